"""The virtual camera takes frames that fit, and explains every fault."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import pyvirtualcam.camera

from sdcam.errors import ExitCode, MissingError, SdcamError, UsageError
from sdcam.output import loopback, obs_camera, virtual_camera
from sdcam.output.virtual_camera import VirtualCamera
from sdcam.platforms.names import OBS_CAMERA
from sdcam.settings.schema import OutputSettings

HD = OutputSettings()


def frame(pixel_format="I420"):
    shape = {"I420": (1080, 1280), "UYVY": (720, 1280, 2)}[pixel_format]
    return np.full(shape, 7, np.uint8)


def on_linux(root, device="StreamDiffusion Cam", output=HD):
    return VirtualCamera(device, output, platform="linux", sys_root=root)


def on_macos(device="StreamDiffusion Cam", output=HD):
    return VirtualCamera(device, output, platform="darwin")


def test_on_linux_the_camera_is_opened_by_its_node_in_i420(backend, linux):
    sink = on_linux(linux)
    camera = backend.cameras[0]
    assert sink.pixel_format == "I420"
    assert sink.name == "virtual-camera:StreamDiffusion Cam (/dev/video9)"
    assert (camera.device(), camera.size, camera.fps) == ("/dev/video9", (1280, 720), 30.0)
    assert camera.fourcc == int.from_bytes(b"I420", "little")


def test_on_linux_a_node_names_itself(backend, linux):
    assert on_linux(linux, "/dev/video10").name == "virtual-camera:/dev/video10"


def test_on_macos_the_camera_is_that_of_obs_in_uyvy(backend):
    sink = on_macos()
    assert sink.pixel_format == "UYVY"
    assert sink.name == f"virtual-camera:{OBS_CAMERA}"
    assert backend.cameras[0].device() == OBS_CAMERA
    assert backend.cameras[0].fourcc == int.from_bytes(b"UYVY", "little")
    assert on_macos(OBS_CAMERA).name == sink.name


def test_on_macos_another_name_is_a_mistake(backend):
    with pytest.raises(UsageError, match='no virtual camera "My Cam"') as caught:
        on_macos("My Cam")
    assert OBS_CAMERA in caught.value.todo


@pytest.mark.parametrize("size", [(512, 512), (640, 480)])
def test_on_macos_a_size_that_apps_would_squeeze_is_refused(backend, size):
    with pytest.raises(UsageError, match="does not show") as caught:
        on_macos(output=OutputSettings(width=size[0], height=size[1]))
    assert "1280 and 720" in caught.value.todo
    assert backend.cameras == []


def test_elsewhere_there_is_no_virtual_camera(backend):
    with pytest.raises(MissingError, match=r"no virtual camera on win32: .* Linux .* macOS"):
        VirtualCamera("StreamDiffusion Cam", HD, platform="win32")


@pytest.mark.parametrize("pixel_format", ["I420", "UYVY"])
def test_a_frame_reaches_the_device_as_it_is_without_a_copy(backend, linux, pixel_format):
    sink = on_linux(linux) if pixel_format == "I420" else on_macos()
    sent = frame(pixel_format)
    sink.send(sent)
    assert np.shares_memory(backend.cameras[0].frames[0], sent)
    assert backend.cameras[0].frames[0].size == sent.size


def test_a_read_only_frame_such_as_a_card_is_taken(backend, linux):
    sink, card = on_linux(linux), frame()
    card.flags.writeable = False
    sink.send(card)
    assert len(backend.cameras[0].frames) == 1


def test_a_frame_that_does_not_fit_never_reaches_the_device(backend, linux):
    sink = on_linux(linux)
    same_bytes = frame().reshape(720, 1920)
    for wrong in (frame("UYVY"), frame()[:, ::-1], frame().astype(np.int32), same_bytes):
        with pytest.raises(ValueError, match="contiguous uint8"):
            sink.send(wrong)
    assert backend.cameras[0].frames == []


def test_the_time_of_a_send_is_measured(backend, linux, monkeypatch):
    sink = on_linux(linux)
    ticks = itertools.count(step=0.005)
    monkeypatch.setattr("sdcam.output.virtual_camera.time.perf_counter", lambda: next(ticks))
    assert sink.report() == {"send_ms": 0.0}
    for _ in range(5):
        sink.send(frame())
    assert 5.0 <= sink.report()["send_ms"] <= 20.0


def test_a_dead_device_is_a_fault(backend, linux):
    sink = on_linux(linux)
    backend.cameras[0].dead = True
    with pytest.raises(SdcamError, match="takes no more frames: Stream does not exist") as caught:
        sink.send(frame())
    assert caught.value.exit_code is ExitCode.FAULT


def test_a_fault_that_is_remembered_does_not_keep_the_backend_alive(monkeypatch):
    """The backend of macOS releases the camera only when it is freed."""

    class OneAtATime:
        alive = 0

        def __init__(self, **kinds):
            if OneAtATime.alive:
                raise RuntimeError("Multiple cameras are not supported by this backend.")
            OneAtATime.alive += 1

        def __del__(self):
            OneAtATime.alive -= 1

        def send(self, frame):
            raise RuntimeError("Stream does not exist.")

        def close(self):
            pass

        def device(self):
            return OBS_CAMERA

        def native_fourcc(self):
            return None

    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"python": OneAtATime})
    sink = on_macos()
    with pytest.raises(SdcamError, match="takes no more") as caught:
        sink.send(frame("UYVY"))
    sink.close()
    again = on_macos()
    assert "Stream does not exist" in str(caught.value)
    again.close()


def test_a_closed_camera_takes_nothing_and_is_closed_once(backend, linux):
    sink = on_linux(linux)
    sink.close()
    sink.close()
    assert backend.cameras[0].closed == 1
    with pytest.raises(SdcamError, match="is closed"):
        sink.send(frame())


def test_a_device_that_does_not_close_is_logged_and_not_raised(backend, linux, caplog):
    sink = on_linux(linux)

    def close():
        raise RuntimeError("no")

    backend.cameras[0].close = close
    sink.close()
    assert "did not close: no" in caplog.text
    backend.cameras[0].close = lambda: None  # for pyvirtualcam's own __del__


def test_a_busy_device_is_missing_with_what_to_do(backend, linux):
    backend.refusal = "Virtual camera device /dev/video9 could not be configured: Device busy"
    with pytest.raises(MissingError, match="Another program writes to /dev/video9") as caught:
        on_linux(linux)
    assert caught.value.exit_code is ExitCode.MISSING


def test_obs_without_its_extension_is_explained_step_by_step(backend):
    backend.refusal = "OBS Virtual Camera is not installed in your system. [Device not found]"
    with pytest.raises(MissingError, match="OBS Virtual Camera is not there") as caught:
        on_macos()
    for step in ("brew install --cask obs", "Start Virtual Camera", "systemextensionsctl list"):
        assert step in caught.value.todo


def test_an_obs_camera_that_is_taken_says_why(backend):
    backend.refusal = "Multiple cameras are not supported by this backend."
    with pytest.raises(MissingError, match="Multiple cameras are not supported"):
        on_macos()


@pytest.fixture
def clock(monkeypatch):
    """The time of a send: `clock.now`, in seconds."""

    class Clock:
        now = 100.0

        def perf_counter(self):
            return self.now

    one = Clock()
    monkeypatch.setattr(virtual_camera, "time", one)
    return one


@pytest.mark.parametrize("fps", [30, 1])  # 1: a camera at rest
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_a_device_that_is_gone_is_noticed_within_half_a_second(
    backend, linux, system, monkeypatch, clock, fps
):
    """The driver itself goes on taking frames."""
    answers = iter([None, loopback.gone("Cam")])
    for driver in (loopback.LoopbackDriver, obs_camera.ObsDriver):
        monkeypatch.setattr(driver, "find_fault", lambda self, sent: next(answers))
    sink = on_linux(linux) if system == "linux" else on_macos()
    with pytest.raises(SdcamError, match="is gone"):
        for _ in range(40):
            clock.now += 1 / fps
            sink.send(frame(sink.pixel_format))
    assert clock.now - 100.0 <= max(1.1, 2 / fps)


def test_on_macos_frames_that_nobody_takes_are_a_fault_before_they_fill_the_memory(
    backend, monkeypatch, clock
):
    memory = {"bytes": 10**8}
    monkeypatch.setattr(obs_camera, "own_memory", lambda: memory["bytes"])
    sink = on_macos()
    taken = frame("UYVY")
    with pytest.raises(SdcamError, match="takes no frames") as caught:
        for _ in range(1000):
            clock.now += 1 / 30
            sink.send(taken)
            memory["bytes"] += taken.nbytes
    assert "Stop the virtual camera in OBS" in caught.value.todo
    assert memory["bytes"] < 4 * 10**8


def test_the_device_is_made_ready_before_it_is_opened(backend, linux, monkeypatch):
    def refuse(node, width, height, sys_root):
        raise MissingError(f"{node} {width}x{height} is in use.")

    monkeypatch.setattr(loopback, "make_ready", refuse)
    with pytest.raises(MissingError, match="/dev/video9 1280x720 is in use"):
        on_linux(linux)
    assert backend.cameras == [], "pyvirtualcam up to 0.14 would leave it open"


def test_driver_is_told_when_the_camera_closes(backend, linux, monkeypatch):
    left = []
    monkeypatch.setattr(loopback.LoopbackDriver, "left", lambda self: left.append(self.device))
    with on_linux(linux):
        assert left == []
    assert left == ["/dev/video9"] and backend.cameras[0].closed
