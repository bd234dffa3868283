"""Whether pictures come from the camera: the one test that no permission and no driver can fool."""

from __future__ import annotations

from typing import Any

from sdcam.doctor.app_permission import app, app_authorization, pictures_through_app
from sdcam.doctor.camera import chosen_camera
from sdcam.doctor.check import (
    MACOS,
    Check,
    Finding,
    Group,
    missing,
    not_here,
    of_error,
    ok,
    trouble,
    warning,
)
from sdcam.doctor.world import World
from sdcam.errors import MissingError, SdcamError
from sdcam.platforms.names import APP_IDENTIFIER, CAMERA_NAME

_SLOW = 0.6  # of the rate that was asked for
_PRIVACY = "System Settings > Privacy & Security > Camera"


def _pictures(world: World) -> Finding:
    camera = chosen_camera(world)
    if camera is None:
        return not_here("There is no camera to look through.")
    if isinstance(world.status, dict):
        told = _of_service(world.status, camera.name)
        if told is not None:
            return told
    if not world.camera:
        return not_here("Not looked at (--no-camera).")
    if world.platform == MACOS and app(world) is not None:
        if app_authorization(world) != "GRANTED":
            return not_here("The app has no permission yet.")
        return pictures_through_app(world)
    return _by_ourselves(world)


def _of_service(status: dict[str, Any], camera: str) -> Finding | None:
    """What the running service knows: it has the camera. None where it uses another source."""
    source = status.get("source") or {}
    name = str(source.get("name") or "")
    fault = (status.get("faults") or {}).get("camera")
    if name != camera and not name.startswith("camera"):
        return None
    if fault:
        return missing(f"The running service says: {fault}")
    state = status.get("state")
    fps = float((status.get("fps") or {}).get("camera") or 0.0)
    if fps > 0:
        return ok(f"the running service gets them: {source.get('size')}, {fps:.1f} a second")
    return ok(f"the running service has the camera closed just now ({state})")


def _by_ourselves(world: World) -> Finding:
    from sdcam.doctor.camera_probe import look_through

    wanted = world.settings.camera
    try:
        look = look_through("camera", wanted)
    except MissingError as error:
        return of_error(error)
    except SdcamError as error:
        return missing(error.what, *filter(None, [error.todo]))
    size = f"{look.info.width}x{look.info.height}"
    if look.black:
        return warning(
            f"The pictures are black ({size}, {look.fps:.1f} a second).",
            "Open the camera's shutter or cover; a laptop may have a key that turns it off.",
        )
    if not look.moves:
        return trouble(
            f"It is the same picture all the time ({size}).",
            "Plug the camera in again; a built-in one comes back after a restart.",
            link="https://github.com/opencv/opencv/issues/14044",
        )
    if look.fps < _SLOW * min(wanted.fps, look.info.fps or wanted.fps):
        return warning(
            f"They come slowly: {look.fps:.1f} a second of {wanted.fps:g} ({size}).",
            "Most cameras halve their rate in the dark: more light; or a smaller camera.width.",
        )
    return ok(f"come: {size}, {look.fps:.1f} a second")


def _permission(world: World) -> Finding:
    """What macOS has on record. It can say yes and still send nothing (tweakoz/orkid#236), so
    `pictures` has the last word."""
    terminal = world.authorization().name
    if app(world) is None:
        if terminal in ("DENIED", "RESTRICTED"):
            return missing(
                "macOS does not let this terminal have the camera.",
                f"{_PRIVACY}: turn your terminal on, then quit and open it again.",
            )
        return ok(f"of this terminal: {_WORDS[terminal]} (the service has none, not installed yet)")
    answer = app_authorization(world)
    if answer == "GRANTED":
        return ok(f'"{CAMERA_NAME}" may use the camera')
    if not answer:
        return missing(
            f'The app "{CAMERA_NAME}" did not start.',
            "sdcam service install builds it anew; Console.app shows why an app does not start.",
        )
    wrong = ", though this terminal may" if terminal == "GRANTED" else ""
    if answer == "NOT_ASKED":
        return missing(
            f'macOS has not asked yet whether "{CAMERA_NAME}" may use the camera{wrong}.',
            "sdcam service install asks, while you are looking.",
        )
    return missing(
        f'macOS does not let "{CAMERA_NAME}" have the camera{wrong}.',
        f'{_PRIVACY}: turn "{CAMERA_NAME}" on, then: sdcam service restart',
        f"It is not in that list: tccutil reset Camera {APP_IDENTIFIER}, then "
        "sdcam service install",
        link="https://github.com/tweakoz/orkid/issues/236",
    )


_WORDS = {"GRANTED": "granted", "NOT_ASKED": "macOS will ask", "DENIED": "denied"}

CHECKS = (
    Check(Group.CAMERA, "permission", _permission, (MACOS,)),
    Check(Group.CAMERA, "pictures", _pictures),
)
