"""The device that v4l2loopback made: its name, how it shows itself, who holds it."""

from __future__ import annotations

from pathlib import Path

from sdcam.doctor.check import (
    LINUX,
    Check,
    Finding,
    Group,
    missing,
    not_here,
    ok,
    trouble,
    warning,
)
from sdcam.doctor.device_rights import how_to_get_in
from sdcam.doctor.kernel_module import RELOAD, is_loaded, module_version
from sdcam.doctor.world import World
from sdcam.platforms.loopback import LoopbackState, loopback_devices

_NODES = "/sys/class/video4linux"
_PARAMETERS = "/sys/module/v4l2loopback/parameters"
_ISSUES = "https://github.com/v4l2loopback/v4l2loopback/issues"
_ONE_READER_SINCE = (0, 13, 2)
_NO_DEVICE = not_here("There is no such device.")


def find_device(world: World) -> str:
    """The node ("/dev/video10") that the configuration means; "" where there is none."""
    wanted = world.settings.output.device
    if wanted.startswith("/dev/"):
        return wanted if world.at(f"{_NODES}/{Path(wanted).name}").exists() else ""
    return next((node for node, label in loopbacks(world).items() if label == wanted), "")


def loopbacks(world: World) -> dict[str, str]:
    """Node to label, by number."""
    return loopback_devices(world.at("/sys"))


def _device(world: World) -> Finding:
    wanted = world.settings.output.device
    if node := find_device(world):
        return ok(f'"{world.text(f"{_NODES}/{Path(node).name}/name")}" is {node}')
    if not is_loaded(world):
        return not_here("v4l2loopback is not loaded.")
    there = loopbacks(world)
    if not there:
        return missing("v4l2loopback is loaded and has no device.", *_how_to_reload(world))
    names = ", ".join(f'"{label}" ({node})' for node, label in there.items())
    return missing(
        f'There is no virtual camera "{wanted}"; v4l2loopback has {names}.',
        *_how_to_reload(world),
        f'or take one that is there: sdcam config edit, output.device = "{next(iter(there))}"',
    )


def _exclusive_caps(world: World) -> Finding:
    """Without it the device calls itself output and camera at once, which Chrome and Zoom do not
    list."""
    node = find_device(world)
    if not node:
        return _NO_DEVICE
    given = world.text(f"{_PARAMETERS}/exclusive_caps").split(",")
    index = _index_of(world, node)
    if index >= len(given) or not given[index]:
        return warning(
            f"v4l2loopback does not tell its exclusive_caps of {node}.", *_how_to_reload(world)
        )
    if given[index] in ("Y", "1"):
        return ok("exclusive_caps=1: Chrome and Zoom list the camera")
    return trouble(
        f"{node} was made without exclusive_caps=1: Chrome and Zoom do not list it.",
        *_how_to_reload(world),
    )


def _index_of(world: World, node: str) -> int:
    """Which of the module's devices it is: by the number asked for, else by its place."""
    numbers = world.text(f"{_PARAMETERS}/video_nr").split(",")
    number = node.removeprefix("/dev/video")
    if number in numbers:
        return numbers.index(number)
    return list(loopbacks(world)).index(node) if node in loopbacks(world) else 0


def _rights(world: World) -> Finding:
    node = find_device(world)
    if not node:
        return _NO_DEVICE
    if world.may_use(world.at(node)):
        return ok(f"{node} may be written")
    return missing(f"{node} may not be written by this user.", *how_to_get_in(world, node))


def _holders(world: World) -> Finding:
    node = find_device(world)
    if not node or not world.may_use(world.at(node)):
        return _NO_DEVICE
    others = world.others_with(node)
    if _is_fed_by_us(world):
        return _watched(world, others)
    if told := _written_to(world, node, others):
        return told
    if others:
        return warning(
            f"{node} is open in {', '.join(others)}.",
            "A program that selected the camera before sdcam runs may have to select it anew.",
        )
    return ok(f"{node} is free")


def _written_to(world: World, node: str, others: list[str]) -> Finding | None:
    """None where somebody may write."""
    state = world.loopback_state(node)
    if state is LoopbackState.STUCK:
        return warning(
            f"{node} did not notice that its last writer left, as v4l2loopback before 0.13 may.",
            "Nothing to do: sdcam frees it when it starts. Other programs cannot write to it.",
            link=f"{_ISSUES}/470",
        )
    if state is LoopbackState.WRITTEN and others:
        return missing(
            f"Another program writes to {node}: {', '.join(others)}.",
            f"Close it (fuser -v {node} lists who has it open), or give it a device of its own.",
        )
    if state is LoopbackState.WRITTEN:
        return missing(
            f"Another user's program writes to {node}, or one did and was killed.",
            f"sudo fuser -v {node} names it; where nobody has it open:",
            *_how_to_reload(world),
            link=f"{_ISSUES}/675",
        )
    return None


def _watched(world: World, others: list[str]) -> Finding:
    if not others:
        return ok("the service writes to it; nobody else has it open")
    told = f"the service writes to it; open in {', '.join(others)}"
    if module_version(world) >= _ONE_READER_SINCE:
        return ok(f"{told} (this v4l2loopback serves one app at a time)")
    return ok(told)


def _is_fed_by_us(world: World) -> bool:
    status = world.status
    if not isinstance(status, dict) or "output" in (status.get("faults") or {}):
        return False
    return any("virtual-camera" in str(name) for name in status.get("outputs") or ())


def _how_to_reload(world: World) -> tuple[str, ...]:
    """The module does not go while anybody has a device of it open."""
    who = [one for node in loopbacks(world) for one in world.others_with(node)]
    first = [f"Close first: {', '.join(dict.fromkeys(who))}"] if who else []
    if isinstance(world.status, dict):
        first.append("sdcam service stop   (or end sdcam run)")
    return (*first, RELOAD)


CHECKS = (
    Check(Group.VIRTUAL_CAMERA, "name", _device, (LINUX,)),
    Check(Group.VIRTUAL_CAMERA, "exclusive_caps", _exclusive_caps, (LINUX,)),
    Check(Group.VIRTUAL_CAMERA, "access", _rights, (LINUX,)),
    Check(Group.VIRTUAL_CAMERA, "in use", _holders, (LINUX,)),
)
