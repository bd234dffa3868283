"""Which camera a name, a number or a path selects."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdcam.capture import CameraDevice, Kind, choose_camera, list_cameras
from sdcam.capture.cameras import ready_to_list
from sdcam.errors import MissingError


def device(name: str, index: int, kind: Kind = Kind.USB, why_not: str = "") -> CameraDevice:
    return CameraDevice(
        name=name, index=index, kind=kind, node=f"/dev/video{index}", why_not=why_not
    )


CAMERAS = ready_to_list(
    [
        device("HD Pro Webcam C920", 4),
        device("Ada's iPhone Camera", 0, Kind.PHONE),
        device("HD Pro Webcam C920", 2),
        device("StreamDiffusion Cam", 10, Kind.VIRTUAL, "it is the virtual camera"),
        device("Integrated Camera", 6, Kind.BUILT_IN),
    ]
)


def test_cameras_are_sorted_and_have_unique_names() -> None:
    assert [(camera.index, camera.name) for camera in CAMERAS] == [
        (0, "Ada's iPhone Camera"),
        (2, "HD Pro Webcam C920"),
        (4, "HD Pro Webcam C920 (2)"),
        (6, "Integrated Camera"),
        (10, "StreamDiffusion Cam"),
    ]


def test_auto_takes_the_built_in_camera_and_every_camera_says_why() -> None:
    assert choose_camera("auto", CAMERAS).name == "Integrated Camera"
    assert choose_camera("AUTO", CAMERAS).is_auto
    assert [camera.about_auto for camera in CAMERAS] == [
        "a phone: only taken when named",
        'comes after "Integrated Camera"',
        'comes after "Integrated Camera"',
        "the first built-in camera",
        "it is the virtual camera",
    ]


def test_without_a_built_in_camera_auto_takes_the_first_usb_camera() -> None:
    cameras = ready_to_list([device("Card", 0, Kind.OTHER), device("B", 3), device("A", 1)])
    assert choose_camera("auto", cameras).name == "A"
    card = choose_camera("auto", ready_to_list([device("Card", 0, Kind.OTHER)]))
    assert (card.name, card.about_auto) == ("Card", "no camera is built in or on USB")


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("integrated camera", "Integrated Camera"),  # in any case
        (" Integrated ", "Integrated Camera"),  # a part that only one has
        ("IPHONE", "Ada's iPhone Camera"),  # what auto passes over can be named
        ("HD Pro Webcam C920", "HD Pro Webcam C920"),  # the whole name, though also a part of two
        ("c920 (2)", "HD Pro Webcam C920 (2)"),
        ("4", "HD Pro Webcam C920 (2)"),  # a number
        ("(2)", "HD Pro Webcam C920 (2)"),
        ("/dev/video6", "Integrated Camera"),
    ],
)
def test_names_numbers_and_paths(wanted: str, name: str) -> None:
    assert choose_camera(wanted, CAMERAS).name == name


def test_unknown_number_is_taken_as_part_of_a_name() -> None:
    assert choose_camera("920", ready_to_list([device("C920", 0)])).name == "C920"


def test_a_link_in_dev_leads_to_its_node(tmp_path: Path) -> None:
    link = tmp_path / "usb-046d_C920-video-index0"
    link.symlink_to("/dev/video6")
    cameras = [device("Integrated Camera", 6)]
    # Only paths in /dev are paths; a relative climb out of it is one as well.
    wanted = f"/dev/../{link}".replace("//", "/")
    assert choose_camera(wanted, cameras).name == "Integrated Camera"


def test_an_ambiguous_name_lists_what_it_could_be() -> None:
    names = r'"HD Pro Webcam C920", "HD Pro Webcam C920 \(2\)"'
    with pytest.raises(MissingError, match=rf'"webcam" could be any of 2 cameras.*{names}'):
        choose_camera("webcam", CAMERAS)


def test_a_missing_name_lists_what_is_there_and_not_our_own_camera() -> None:
    with pytest.raises(MissingError) as caught:
        choose_camera("Logitech", CAMERAS)
    assert 'There is no camera "Logitech".' in str(caught.value)
    assert '"Integrated Camera" (6)' in str(caught.value)
    assert "StreamDiffusion" not in str(caught.value)


@pytest.mark.parametrize("wanted", ["StreamDiffusion Cam", "10", "/dev/video10"])
def test_our_own_camera_is_refused_even_when_named(wanted: str) -> None:
    with pytest.raises(MissingError, match="cannot be the source: it is the virtual camera"):
        choose_camera(wanted, CAMERAS)


def test_no_camera_at_all_says_what_else_can_be_played() -> None:
    with pytest.raises(MissingError, match=r"No camera was found\. .*--source test"):
        choose_camera("auto", [])
    with pytest.raises(MissingError, match=r'no camera "C920".*--source test'):
        choose_camera("C920", [])


def test_auto_among_phones_only_says_why_it_takes_none() -> None:
    phones = ready_to_list([device("Ada's iPhone Camera", 0, Kind.PHONE)])
    with pytest.raises(MissingError, match=r"Ada's iPhone Camera.*only taken when named"):
        choose_camera("auto", phones)


def test_listing_this_machine_works() -> None:
    for camera in list_cameras():
        assert camera.name and camera.about_auto
