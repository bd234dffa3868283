"""Cameras of a sysfs made of folders, laid out as the kernel does, with scripted drivers."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from sdcam.capture import Kind
from sdcam.capture.listing import find_linux_cameras
from sdcam.platforms.v4l2 import Capability

USB = "pci0000:00/0000:00:14.0/usb1/1-5/1-5:1.0"
INSIDE = "pci0000:00/0000:00:14.0/usb1/1-8/1-8:1.0"


class Machine:
    """Has the nodes that were added, and answers `query` for them."""

    def __init__(self, root: Path) -> None:
        self.sysfs = root / "class" / "video4linux"
        self.sysfs.mkdir(parents=True)
        self._devices = root / "devices"
        self._answers: dict[str, Capability | OSError] = {}

    def add(
        self,
        number: int,
        answer: Capability | OSError,
        place: str = USB,
        name: str = "",
        index: int = 0,
        removable: str = "removable",
    ) -> None:
        node = self._devices / place / "video4linux" / f"video{number}"
        node.mkdir(parents=True)
        (node / "name").write_text(f"{name}\n")
        (node / "index").write_text(f"{index}\n")
        if place != "virtual":
            (node / "device").symlink_to(self._devices / place)
            (self._devices / place).parent.joinpath("removable").write_text(f"{removable}\n")
        (self.sysfs / f"video{number}").symlink_to(node)
        self._answers[f"/dev/video{number}"] = answer

    def query(self, node: str) -> Capability:
        answer = self._answers[node]
        if isinstance(answer, OSError):
            raise answer
        return answer


def uvc(name: str, captures: bool = True, formats: str = "MJPG YUYV") -> Capability:
    listed = tuple(formats.split()) if captures else ()
    return Capability("uvcvideo", name, "usb-0000:00:14.0-5", captures, listed)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_webcam_is_one_camera_though_it_has_two_nodes(machine: Machine) -> None:
    machine.add(0, uvc("HD Pro Webcam C920"))
    machine.add(1, uvc("HD Pro Webcam C920", captures=False), index=1)
    (camera,) = find_linux_cameras(machine.sysfs, machine.query)
    assert (camera.name, camera.index, camera.node) == ("HD Pro Webcam C920", 0, "/dev/video0")
    assert (camera.driver, camera.bus) == ("uvcvideo", "usb-0000:00:14.0-5")
    assert camera.kind is Kind.USB and camera.usable
    assert camera.formats == ("MJPG", "YUYV")
    assert camera.address == "/dev/video0"


def test_fixed_usb_camera_is_built_in(machine: Machine) -> None:
    machine.add(0, uvc("Integrated Camera"), place=INSIDE, removable="fixed")
    (camera,) = find_linux_cameras(machine.sysfs, machine.query)
    assert camera.kind is Kind.BUILT_IN


def test_a_camera_with_grey_formats_only_is_infrared(machine: Machine) -> None:
    machine.add(2, uvc("Integrated Camera: Integrated I", formats="GREY"))
    (camera,) = find_linux_cameras(machine.sysfs, machine.query)
    assert camera.kind is Kind.INFRARED


@pytest.mark.parametrize("captures", [True, False])  # with exclusive_caps: while fed, while not
def test_our_own_loopback_is_listed_and_never_usable(machine: Machine, captures: bool) -> None:
    capability = Capability(
        "v4l2 loopback", "StreamDiffusion Cam", "platform:v4l2loopback-010", captures, ()
    )
    machine.add(10, capability, place="virtual")
    (camera,) = find_linux_cameras(machine.sysfs, machine.query)
    assert camera.kind is Kind.VIRTUAL
    assert camera.why_not == "it is the virtual camera that sdcam feeds"


def test_any_other_loopback_could_be_our_output_too(machine: Machine) -> None:
    capability = Capability(
        "v4l2 loopback", "OBS Virtual Camera", "platform:v4l2loopback-000", True, ()
    )
    machine.add(0, capability, place="virtual")
    (camera,) = find_linux_cameras(machine.sysfs, machine.query)
    assert camera.kind is Kind.VIRTUAL
    assert "film itself" in camera.why_not


def test_a_platform_camera_is_usable_as_another_kind(machine: Machine) -> None:
    machine.add(0, Capability("vivid", "vivid", "platform:vivid-000", True, ("YUYV",)), "vivid.0")
    (camera,) = find_linux_cameras(machine.sysfs, machine.query)
    assert camera.kind is Kind.OTHER and camera.usable


def test_a_forbidden_camera_is_listed_once_with_the_group_to_join(machine: Machine) -> None:
    refused = PermissionError(errno.EACCES, "Permission denied")
    machine.add(0, refused, name="HD Pro Webcam C920")
    machine.add(1, refused, name="HD Pro Webcam C920", index=1)
    (camera,) = find_linux_cameras(machine.sysfs, machine.query)
    assert camera.name == "HD Pro Webcam C920"
    assert 'the group "video"' in camera.why_not


def test_a_camera_unplugged_since_it_was_listed_is_left_out(machine: Machine) -> None:
    machine.add(0, OSError(errno.ENODEV, "No such device"))
    assert find_linux_cameras(machine.sysfs, machine.query) == []


def test_a_machine_without_any_camera_driver(tmp_path: Path) -> None:
    assert find_linux_cameras(tmp_path / "class" / "video4linux") == []
