"""The life of the service on real devices: started by its unit, as an ordinary user."""

from __future__ import annotations

import signal
import statistics
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from vm_devices import (
    BARS,
    LOOPBACK,
    camera_node,
    load_camera,
    loopback_format,
    unplug_camera,
)
from vm_frames import Pixels, Viewer, bars, keep, newest, viewer
from vm_service import Service
from vm_user import FPS, HEIGHT, WIDTH, User

from sdcam.platforms.device_users import users_of
from sdcam.platforms.loopback import LoopbackState, query_state

OUTPUT = "output:virtual-camera"
_TOLERANCE = 6  # of 255; limited range taken for full is 11 off in white, 16 in black
_ANOTHER = 10.0  # of 255, on the average: no picture of the same is so far off
_COLOURFUL = 50.0  # standard deviation: the picture has 86, cards have 25 to 32
_READER = Path(__file__).with_name("vm_reader.py")


def test_systemd_hears_that_it_is_ready_and_lives(service: Service) -> None:
    service.until_picture()
    assert service.told.count("READY=1") == 1
    service.until_told("WATCHDOG=1")
    service.until_told("STATUS=running")


def test_size_and_rate_are_as_configured(user: User, service: Service) -> None:
    service.until_picture()
    with viewer(user, "yuv420p") as program:
        for _ in range(8 * FPS):
            program.next()
        said = program.close()
    assert "yuv420p" in said and f"{WIDTH}x{HEIGHT}" in said
    times = program.times[2 * FPS :]
    rate = (len(times) - 1) / (times[-1] - times[0])
    print(f"measured: {rate:.2f} frames a second, {FPS} wanted; {service.ask('status')['frames']}")
    assert rate == pytest.approx(FPS, rel=0.05)


def test_an_app_has_the_frame_soon_after_it_was_sent(user: User, service: Service) -> None:
    service.until_picture()
    command = [sys.executable, "-I", "-S", str(_READER), LOOPBACK, "frames"]
    with user.start(command, stdout=subprocess.PIPE) as program:
        try:
            words = (line.split() for line in program.stdout)
            frames = [word[1:] for word in islice(words, 8 * FPS) if word[0] == "frame"]
        finally:
            program.kill()
    later = sorted((int(had) - int(sent)) / 1e6 for had, sent in frames[FPS:])
    (sink,) = service.ask("status")["sinks"].values()
    print(
        f"measured: {sink['send_ms']} ms to send, then until an app has the frame "
        f"{statistics.median(later):.2f} ms (median), {later[-1]:.2f} ms (longest of {len(later)})"
    )
    assert 0 < statistics.median(later) < 100


def test_every_colour_of_the_camera_comes_out_as_it_went_in(user: User, service: Service) -> None:
    service.ask("set", values={"look.blend": 1.0})
    service.until_picture()
    frame = newest(user)
    keep("camera", frame)
    seen = bars(frame)
    print(f"measured: {seen}")
    for name, colour in BARS:
        assert seen[name] == pytest.approx(colour, abs=_TOLERANCE), name


def test_the_picture_is_restyled(user: User, service: Service) -> None:
    camera = newest(user, 2)
    service.ask("set", values={"look.blend": 0.0})
    service.until_picture()
    styled = newest(user)
    keep("styled", styled)
    assert _difference(styled, camera) > _ANOTHER
    assert styled.std() > _COLOURFUL


def test_an_unplugged_camera_comes_back(user: User, service: Service) -> None:
    service.until_picture()
    before = newest(user)
    unplug_camera()
    service.until(lambda s: s["card"] == "No camera picture")
    card = newest(user)
    keep("unplugged", card)
    load_camera()
    status = service.until_picture()
    after = newest(user)
    keep("replugged", after)
    assert _difference(card, before) > _ANOTHER > _difference(after, before)
    assert status["processes"]["daemon"]["pid"] == service.pid
    assert status["faults"] == {}


def test_nobody_watches_and_the_camera_is_closed(user: User, service: Service) -> None:
    assert users_of(camera_node()) != []
    service.ask("set", values={"output.on_demand": True})
    service.until_at_rest()
    for _ in range(2):  # it comes, it goes, it comes back
        with viewer(user) as program:
            card = program.next()
            service.until_picture()
            picture = _until_another(program, card)
            assert "ffmpeg" in str(service.ask("status")["watchers"])
            assert users_of(camera_node()) != []
        service.until_at_rest()
    keep("standing-by", card)
    keep("came-back", picture)
    assert picture.std() > _COLOURFUL
    service.ask("set", values={"output.on_demand": False})


def test_another_size_waits_for_the_app_that_shows_this_one(user: User, service: Service) -> None:
    service.until_picture()
    before = user.settings.read_text()
    other = before.replace(f"width = {WIDTH}", "width = 320").replace(
        f"height = {HEIGHT}", "height = 180"
    )
    with viewer(user) as program:
        program.next()
        user.settings.write_text(other)
        status = service.until(lambda s: OUTPUT in s["faults"])
        assert f"{LOOPBACK} keeps {WIDTH}x{HEIGHT} YU12" in status["faults"][OUTPUT]
        assert "ffmpeg" in status["faults"][OUTPUT]
    service.until(lambda s: s["faults"] == {} and "320x180" in loopback_format())
    user.settings.write_text(before)
    service.until(lambda s: s["faults"] == {} and f"{WIDTH}x{HEIGHT}" in loopback_format())
    service.until_picture()
    assert newest(user).std() > _COLOURFUL


def test_it_ends_in_order_and_starts_again(user: User, service: Service) -> None:
    assert service.end() == 0
    service.until_told("STOPPING=1")
    assert users_of(LOOPBACK) == users_of(camera_node()) == []
    assert query_state(LOOPBACK) is LoopbackState.FREE, "others can write to it"
    service.start()
    service.until_picture()
    assert newest(user).std() > _COLOURFUL


def test_it_is_killed_and_starts_again_under_an_app(user: User, service: Service) -> None:
    service.until_picture()
    with viewer(user) as program:
        before = program.next()
        service.end(signal.SIGKILL)
        service.start()
        assert service.until_picture()["faults"] == {}
        starting = _until_another(program, before)
        after = _until_another(program, starting)
    keep("starting", starting)
    assert starting.std() < _COLOURFUL
    assert _difference(after, before) < _ANOTHER


def _until_another(program: Viewer, before: Pixels) -> Pixels:
    """Frames that were on their way come first."""
    for _ in range(60 * FPS):
        if _difference(frame := program.next(), before) > _ANOTHER:
            return frame
    raise AssertionError("the same picture all the time")


def _difference(one: Pixels, other: Pixels) -> float:
    """Of a sample, on the average, 0 to 255."""
    return float(np.abs(one.astype(np.int16) - other).mean())
