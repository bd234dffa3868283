"""The physical camera: there, the right one, allowed, free, and sending pictures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from sdcam.capture import CameraDevice, SourceInfo, choose_camera, open_source
from sdcam.doctor.check import (
    LINUX,
    MACOS,
    Finding,
    Group,
    check,
    missing,
    not_here,
    of_error,
    ok,
    trouble,
    warning,
)
from sdcam.doctor.probe import HostProbe
from sdcam.errors import SdcamError
from sdcam.install.app_bundle import AppBundle
from sdcam.install.camera_permission import ANSWERS, Answer, report_of_app
from sdcam.platforms.avfoundation import Authorization
from sdcam.platforms.device_rights import how_to_get_access
from sdcam.platforms.loopback import loopback_devices
from sdcam.platforms.names import APP_IDENTIFIER, CAMERA_NAME
from sdcam.settings import CameraSettings
from sdcam.workers.child import Child

_PRIVACY = "System Settings > Privacy & Security > Camera"
_ORKID = "https://github.com/tweakoz/orkid/issues/236"
_AUTHORIZATION_SECONDS = 15.0
_APP_PICTURES_SECONDS = 40.0  # a camera may take long to wake up
# A camera without pictures is reported by its own process within seconds. This is for a camera that
# hangs, on a slow or busy machine.
_PROBE_SECONDS = 45.0
_WATCH_SECONDS = 1.5
_SLOW = 0.6  # of the rate that was asked for
_BLACK = 4  # of 255: a closed shutter, with the sensor's noise


@check(Group.CAMERA, "found")
def found(host: HostProbe) -> Finding:
    if _not_permitted(host) and not any(camera.usable for camera in host.cameras):
        return not_here("This user may not open any camera.")
    try:
        camera = choose_camera(host.settings.camera.device, host.cameras)
    except SdcamError as error:
        return of_error(error)
    return ok(f'"{camera.name}"' + (f" ({camera.node})" if camera.node else ""))


@check(Group.CAMERA, "access", LINUX)
def access(host: HostProbe) -> Finding:
    closed = _not_permitted(host)
    if not closed:
        return ok("camera nodes may be opened") if host.cameras else not_here("No camera.")
    names = ", ".join(f'"{camera.name}" ({camera.node})' for camera in closed)
    return missing(f"This user may not open {names}.", *how_to_get_access(host.at(closed[0].node)))


def _not_permitted(host: HostProbe) -> list[CameraDevice]:
    """Cameras that this user may not open, without loopback devices."""
    loopbacks = loopback_devices(host.at("/sys"))
    return [
        camera
        for camera in host.cameras
        if camera.node and camera.node not in loopbacks and not host.may_use(host.at(camera.node))
    ]


@check(Group.CAMERA, "permission", MACOS)
def permission(host: HostProbe) -> Finding:
    """The record of macOS. It can say yes and still send no pictures (tweakoz/orkid#236), so the
    check `pictures` decides."""
    terminal = host.authorization()
    app = _app()
    if app is None:
        if terminal in (Authorization.DENIED, Authorization.RESTRICTED):
            return missing(
                "macOS does not let this terminal use the camera.",
                f"{_PRIVACY}: turn your terminal on, then quit and open it again.",
            )
        record = "granted" if terminal is Authorization.GRANTED else "macOS will ask"
        return ok(f"of this terminal: {record} (the service is not installed, and has none)")
    answer = _app_answer(app)
    if answer is Answer.GRANTED:
        return ok(f'"{CAMERA_NAME}" may use the camera')
    fix = [answer.todo]
    if terminal is Authorization.GRANTED:
        fix.append("This terminal may use it, which does not help the service.")
    if answer is Answer.DENIED:
        reset = f"tccutil reset Camera {APP_IDENTIFIER}"
        fix.append(f"If it is not in that list: {reset}, then sdcam service install")
    return missing(answer.sentence, *fix, link=_ORKID)


def _app() -> Path | None:
    """The installed app; macOS tells only the app itself what the app may do."""
    app = AppBundle()
    return app.path if app.launcher.exists() else None


def _app_answer(app: Path) -> Answer:
    """The record for the app. Opens no camera and asks nobody."""
    report = report_of_app(app, ("doctor", "--authorization"), _AUTHORIZATION_SECONDS)
    name = report.get("authorization")
    return ANSWERS[Authorization[name]] if name else Answer.NO_REPORT


@check(Group.CAMERA, "in use", LINUX)
def in_use(host: HostProbe) -> Finding:
    camera = _chosen(host)
    if camera is None or not camera.node:
        return not_here("No camera.")
    others = host.other_users(camera.node)
    if not others:
        return ok("no other program has it open")
    return warning(
        f'"{camera.name}" is open in {", ".join(others)}; a camera serves one program at a time.',
        "Close that program, or select the virtual camera in it.",
    )


@check(Group.CAMERA, "pictures")
def pictures(host: HostProbe) -> Finding:
    """Whether pictures come: no permission and no driver can fake that."""
    camera = _chosen(host)
    if camera is None:
        return not_here("There is no camera.")
    if isinstance(host.status, dict):
        told = _of_service(host.status, camera.name)
        if told is not None:
            return told
    if not host.camera:
        return not_here("Not tried (--no-camera).")
    app = _app() if host.platform == MACOS else None
    return _of_probe(host) if app is None else _of_app(app)


def _chosen(host: HostProbe) -> CameraDevice | None:
    try:
        return choose_camera(host.settings.camera.device, host.cameras)
    except SdcamError:
        return None


def _of_service(status: dict[str, Any], camera: str) -> Finding | None:
    """What the running service says, which has the camera. None if its source is another one."""
    source = status.get("source") or {}
    name = str(source.get("name") or "")
    if name != camera and not name.startswith("camera"):
        return None
    if fault := (status.get("faults") or {}).get("camera"):
        return missing(f"The running service says: {fault}")
    fps = float((status.get("fps") or {}).get("camera") or 0.0)
    if fps > 0:
        return ok(f"the running service gets them: {source.get('size')}, {fps:.1f} a second")
    return ok(f"the running service has the camera closed at the moment ({status.get('state')})")


def _of_app(app: Path) -> Finding:
    if _app_answer(app) is not Answer.GRANTED:
        return not_here("The app has no permission yet.")
    words = ("service", "ask-permission", "--report")
    name = report_of_app(app, words, _APP_PICTURES_SECONDS).get("answer", "")
    answer = Answer.__members__.get(name, Answer.NO_REPORT)
    if answer is Answer.GRANTED:
        return ok("come, through the app")
    return missing(answer.sentence, answer.todo)


def _of_probe(host: HostProbe) -> Finding:
    wanted = host.settings.camera
    try:
        seen = probe_camera("camera", wanted)
    except SdcamError as error:
        return missing(error.what, *filter(None, [error.todo]))
    size = f"{seen.info.width}x{seen.info.height}"
    if seen.black:
        return warning(
            f"The pictures are black ({size}, {seen.fps:.1f} a second).",
            "Open the shutter or the cover of the camera; a laptop may have a key for it.",
        )
    if not seen.moves:
        return trouble(
            f"All pictures are the same ({size}).",
            "Unplug the camera and plug it in again; for a built-in one, restart the machine.",
            link="https://github.com/opencv/opencv/issues/14044",
        )
    if seen.fps < _SLOW * min(wanted.fps, seen.info.fps or wanted.fps):
        return warning(
            f"They come slowly: {seen.fps:.1f} a second of {wanted.fps:g} ({size}).",
            "Most cameras halve their rate in the dark: add light, or reduce camera.width.",
        )
    return ok(f"come: {size}, {seen.fps:.1f} a second")


@dataclass(frozen=True)
class CameraProbe:
    """What came from a camera.

    Attributes:
        fps: frames a second.
        moves: whether a frame differed from the one before it.
        black: whether the last frame was black.
    """

    info: SourceInfo
    fps: float
    moves: bool
    black: bool


def probe_camera(
    source: str, camera: CameraSettings, seconds: float = _WATCH_SECONDS
) -> CameraProbe:
    """Opens the camera as the service does, in a process of its own.

    Args:
        source: as for `sdcam run --source`.
        seconds: to watch, from the first frame on.

    Raises:
        SdcamError: it does not open, or sends nothing; says why.
    """
    child = Child("capture", _probe_main, source, camera, seconds)
    try:
        if not child.pipe.poll(_PROBE_SECONDS):
            raise SdcamError(
                f"The camera hangs: nothing came from it for {_PROBE_SECONDS:.0f} seconds.",
                "Unplug it and plug it in again; for a built-in one, restart the machine.",
            )
        answer: CameraProbe | SdcamError = child.pipe.recv()
    except (EOFError, ConnectionResetError):
        raise SdcamError(
            child.fault().what, "Try again; the lines above belong into a bug report."
        ) from None
    finally:
        child.stop()
    if isinstance(answer, SdcamError):
        raise answer
    return answer


def _probe_main(pipe: Connection, source: str, camera: CameraSettings, seconds: float) -> None:
    try:
        pipe.send(_watch(source, camera, seconds))
    except SdcamError as error:
        pipe.send(error)


def _watch(spec: str, camera: CameraSettings, seconds: float) -> CameraProbe:
    with open_source(spec, camera) as source:
        frame = np.empty((source.info.height, source.info.width, 3), np.uint8)
        source.read(frame)
        start, count, moves = time.monotonic(), 0, False
        while (now := time.monotonic()) - start < seconds or not count:
            last = frame.copy()
            source.read(frame)
            count += 1
            moves = moves or not np.array_equal(frame, last)
    fps = count / max(now - start, 1e-3)
    return CameraProbe(source.info, fps, moves, bool(frame.max() <= _BLACK))
