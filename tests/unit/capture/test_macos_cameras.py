"""Cameras of reports in the form that `system_profiler SPCameraDataType -json` prints."""

from __future__ import annotations

import json

import pytest

from sdcam.capture import CameraDevice, Kind, choose_camera
from sdcam.capture.cameras import ready_to_list
from sdcam.capture.listing import macos_cameras
from sdcam.errors import MissingError, SdcamError
from sdcam.platforms import macos


def report(*cameras: tuple[str, str, str]) -> str:
    return json.dumps(
        {
            "SPCameraDataType": [
                {"_name": name, "spcamera_model-id": model, "spcamera_unique-id": unique_id}
                for name, model, unique_id in cameras
            ]
        },
        ensure_ascii=False,
    )


def listed(text: str) -> list[CameraDevice]:
    return ready_to_list(macos_cameras(macos.read_camera_report(text)))


ENGLISH = report(
    ("MacBook Pro Camera", "MacBook Pro Camera", "3F45E80A-0176-46F7-B185-BB9E2C0E82E3"),
    ("OBS Virtual Camera", "OBS Camera Extension", "7626645E-4425-469E-9D8B-97E0FA59AC75"),
    ("Logitech BRIO", "UVC Camera VendorID_1133 ProductID_2142", "0x2110000046d085e"),
    ("Ada’s iPhone Camera", "iPhone15,2", "1DCEE953-411B-4B84-905A-257100000001"),
    ("Ada’s iPhone Desk View Camera", "iPhone15,2", "AB12E953-411B-4B84-905A-257100000002"),
)
GERMAN = report(
    ("OBS Virtual Camera", "OBS Camera Extension", "7626645E-4425-469E-9D8B-97E0FA59AC75"),
    ("Kamera von „Adas iPhone“", "iPhone15,2", "1DCEE953-411B-4B84-905A-257100000001"),
    ("FaceTime HD-Kamera", "FaceTime HD-Kamera", "EAB7A68F-EC2B-4487-AADF-D8A91C1CB782"),
)


def test_numbers_follow_the_unique_ids_as_opencv_counts_them() -> None:
    cameras = listed(ENGLISH)
    assert [(camera.index, camera.name, camera.kind) for camera in cameras] == [
        (0, "Logitech BRIO", Kind.USB),
        (1, "Ada’s iPhone Camera", Kind.PHONE),
        (2, "MacBook Pro Camera", Kind.BUILT_IN),
        (3, "OBS Virtual Camera", Kind.VIRTUAL),
        (4, "Ada’s iPhone Desk View Camera", Kind.DESK_VIEW),
    ]
    assert cameras[2].address == 2


def test_auto_takes_the_mac_s_own_camera_on_an_english_and_on_a_german_mac() -> None:
    assert choose_camera("auto", listed(ENGLISH)).name == "MacBook Pro Camera"
    assert choose_camera("auto", listed(GERMAN)).name == "FaceTime HD-Kamera"


def test_a_phone_is_taken_only_when_named() -> None:
    cameras = listed(GERMAN)
    phone = choose_camera("iphone", cameras)
    assert phone.kind is Kind.PHONE and not phone.is_auto
    assert phone.about_auto == "a phone: only taken when named"


def test_obs_is_never_a_source_even_under_another_name() -> None:
    renamed = report(("Zauber", "Zauber", "7626645e-4425-469e-9d8b-97e0fa59ac75"))
    for text, wanted in [(ENGLISH, "OBS Virtual Camera"), (renamed, "Zauber")]:
        with pytest.raises(MissingError, match="which sdcam feeds"):
            choose_camera(wanted, listed(text))


def test_a_mac_without_cameras() -> None:
    assert listed('{"SPCameraDataType" : []}') == []


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"SPCameraDataType": 3}', "oops"])
def test_unreadable_camera_report_is_explained(text: str) -> None:
    with pytest.raises(SdcamError, match=r"cannot be read.*system_profiler"):
        listed(text)


def test_failing_system_profiler_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macos, "CAMERA_REPORT", ("/no/such/system_profiler",))
    with pytest.raises(SdcamError, match="did not list its cameras"):
        macos.list_reported_cameras()
