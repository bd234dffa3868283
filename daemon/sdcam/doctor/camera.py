"""The physical camera: there, the one that is meant, allowed, and not somebody else's."""

from __future__ import annotations

from sdcam.capture.cameras import CameraDevice, choose_camera
from sdcam.doctor.check import (
    LINUX,
    Check,
    Finding,
    Group,
    missing,
    not_here,
    of_error,
    ok,
    warning,
)
from sdcam.doctor.device_rights import how_to_get_in
from sdcam.doctor.loopback import loopbacks
from sdcam.doctor.world import World
from sdcam.errors import SdcamError


def chosen_camera(world: World) -> CameraDevice | None:
    """The one that the service takes; None where there is none."""
    try:
        return choose_camera(world.settings.camera.device, world.cameras)
    except SdcamError:
        return None


def _found(world: World) -> Finding:
    cameras = world.cameras
    if not cameras:
        return missing("No camera was found.", "Plug one in. Without one: sdcam run --source test")
    closed = _closed(world)
    physical = [camera for camera in cameras if camera.usable or camera in closed]
    if not physical:
        names = ", ".join(f'"{camera.name}"' for camera in cameras)
        return missing(
            f"No camera was found but virtual ones, which pictures go to: {names}.",
            "Plug one in. Without one: sdcam run --source test",
        )
    if closed and not any(camera.usable for camera in physical):
        return not_here("No camera may be opened.")
    try:
        camera = choose_camera(world.settings.camera.device, cameras)
    except SdcamError as error:
        return of_error(error)
    return ok(f'"{camera.name}"' + (f" ({camera.node})" if camera.node else ""))


def _access(world: World) -> Finding:
    closed = _closed(world)
    if not closed:
        return ok("camera nodes may be opened") if world.cameras else not_here("No camera.")
    names = ", ".join(f'"{camera.name}" ({camera.node})' for camera in closed)
    return missing(f"This user may not open {names}.", *how_to_get_in(world, closed[0].node))


def _closed(world: World) -> list[CameraDevice]:
    """Those that this user may not open; our own camera is another question."""
    return [
        camera
        for camera in world.cameras
        if camera.node
        and camera.node not in loopbacks(world)
        and not world.may_use(world.at(camera.node))
    ]


def _in_use(world: World) -> Finding:
    camera = chosen_camera(world)
    if camera is None or not camera.node:
        return not_here("No camera.")
    others = world.others_with(camera.node)
    if not others:
        return ok("no other program has it open")
    return warning(
        f'"{camera.name}" is open in {", ".join(others)}; a camera serves one program at a time.',
        "Close that program, or let it use the virtual camera instead.",
    )


CHECKS = (
    Check(Group.CAMERA, "found", _found),
    Check(Group.CAMERA, "access", _access, (LINUX,)),
    Check(Group.CAMERA, "in use", _in_use, (LINUX,)),
)
