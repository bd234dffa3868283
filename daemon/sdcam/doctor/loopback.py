"""v4l2loopback, the virtual camera of Linux: the kernel module, and the device that it made."""

from __future__ import annotations

from pathlib import Path

from sdcam.doctor.check import LINUX, Finding, Group, check, missing, not_here, ok, trouble, warning
from sdcam.doctor.probe import HostProbe
from sdcam.errors import MissingError
from sdcam.platforms import loopback
from sdcam.platforms.device_rights import how_to_get_access
from sdcam.platforms.loopback import LoopbackState
from sdcam.platforms.loopback_setup import boot_commands, install_command

_MODULE = "/sys/module/v4l2loopback"
_ISSUES = "https://github.com/v4l2loopback/v4l2loopback/issues"
_ONE_READER_SINCE = (0, 13, 2)
_NO_DEVICE = not_here("There is no such device.")
_SECURE_BOOT = (
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"  # EFI global
)
_KEYS = ("/var/lib/shim-signed/mok/MOK.der", "/var/lib/dkms/mok.pub")  # Ubuntu's, dkms's own
_SECURE_BOOT_LINK = "https://wiki.debian.org/SecureBoot#MOK_-_Machine_Owner_Key"


def find_device(host: HostProbe) -> str:
    """The node ("/dev/video10") of `output.device`; "" if there is none."""
    try:
        return loopback.find_loopback(host.settings.output.device, host.at("/sys"))
    except MissingError:
        return ""


@check(Group.VIRTUAL_CAMERA, "v4l2loopback", LINUX)
def module(host: HostProbe) -> Finding:
    load = loopback.load_command()
    always = ("And at every start of the machine:", *boot_commands())
    if _is_loaded(host):
        version = host.text(f"{_MODULE}/version")
        return ok(f"v4l2loopback {version} is loaded" if version else "v4l2loopback is loaded")
    if _file_of_module(host):
        return missing("v4l2loopback is installed, but not loaded.", load, *always)
    others = _other_kernels(host)
    if others or any(host.at("/usr/src").glob("v4l2loopback*")):
        built_for = f"kernel {', '.join(others)}" if others else "no kernel yet"
        return missing(
            f"v4l2loopback is built for {built_for}, and {host.kernel} is running.",
            f"sudo apt install linux-headers-{host.kernel} && sudo dkms autoinstall"
            if host.at("/etc/debian_version").exists()
            else f"Install the headers of {host.kernel}, then: sudo dkms autoinstall",
            load,
        )
    return missing(
        "v4l2loopback is not installed.", install_command(host.at("/etc/os-release")), load, *always
    )


def _is_loaded(host: HostProbe) -> bool:
    return loopback.module_is_loaded(host.at("/sys"))


def _file_of_module(host: HostProbe) -> str:
    """The module's file for the running kernel; "" if there is none."""
    done = host.run("modinfo", "-k", host.kernel, "-F", "filename", "v4l2loopback")
    if done is not None:
        return done.out.strip() if done.ok else ""
    folder = host.at(f"/lib/modules/{host.kernel}")
    return next((str(path) for path in folder.rglob("v4l2loopback.ko*")), "")


def _other_kernels(host: HostProbe) -> list[str]:
    modules = host.at("/lib/modules")
    found = {path.relative_to(modules).parts[0] for path in modules.glob("*/**/v4l2loopback.ko*")}
    return sorted(found - {host.kernel})


@check(Group.VIRTUAL_CAMERA, "secure boot", LINUX)
def secure_boot(host: HostProbe) -> Finding:
    """With it the kernel loads signed modules only: "Key was rejected by service"."""
    if not _secure_boot_is_on(host):
        return not_here("Secure Boot is off.")
    if _is_loaded(host):
        return ok("Secure Boot is on, and v4l2loopback is loaded")
    if not _file_of_module(host):
        return not_here("Secure Boot is on; v4l2loopback is not installed.")
    signer = host.output("modinfo", "-k", host.kernel, "-F", "signer", "v4l2loopback")
    key = next((key for key in _KEYS if host.at(key).exists()), _KEYS[-1])
    enrol = (
        f"sudo mokutil --import {key}",
        'Restart, choose "Enroll MOK" in the blue screen, then run the modprobe line above.',
    )
    if signer:
        return warning(
            f'Secure Boot is on; v4l2loopback is signed by "{signer}". If modprobe says "Key was '
            'rejected by service", the firmware does not know that key.',
            *enrol,
            link=_SECURE_BOOT_LINK,
        )
    return missing(
        "Secure Boot is on and v4l2loopback is not signed: the kernel refuses it.",
        "sudo dkms install --force $(dkms status v4l2loopback | cut -d, -f1)   (signs it)",
        *enrol,
        link=_SECURE_BOOT_LINK,
    )


def _secure_boot_is_on(host: HostProbe) -> bool:
    try:
        return host.at(_SECURE_BOOT).read_bytes()[-1:] == b"\x01"  # after four bytes of attributes
    except OSError:
        return "SecureBoot enabled" in host.output("mokutil", "--sb-state")


@check(Group.VIRTUAL_CAMERA, "name", LINUX)
def name(host: HostProbe) -> Finding:
    wanted = host.settings.output.device
    if node := find_device(host):
        label = host.text(f"/sys/class/video4linux/{Path(node).name}/name")
        return ok(f'"{label}" is {node}')
    if not _is_loaded(host):
        return not_here("v4l2loopback is not loaded.")
    devices = loopback.loopback_devices(host.at("/sys"))
    if not devices:
        return missing("v4l2loopback is loaded and has no device.", *_how_to_reload(host))
    names = ", ".join(f'"{label}" ({node})' for node, label in devices.items())
    return missing(
        f'There is no virtual camera "{wanted}"; v4l2loopback has {names}.',
        *_how_to_reload(host),
        f'or use one of these: sdcam config edit, output.device = "{next(iter(devices))}"',
    )


@check(Group.VIRTUAL_CAMERA, "exclusive_caps", LINUX)
def exclusive_caps(host: HostProbe) -> Finding:
    """Without it the device is an output and a camera at once, and Chrome and Zoom do not list
    it."""
    node = find_device(host)
    if not node:
        return _NO_DEVICE
    values = host.text(f"{_MODULE}/parameters/exclusive_caps").split(",")
    index = _index_of(host, node)
    if index >= len(values) or not values[index]:
        return warning(
            f"v4l2loopback does not report exclusive_caps of {node}.", *_how_to_reload(host)
        )
    if values[index] in ("Y", "1"):
        return ok("exclusive_caps=1: Chrome and Zoom list the camera")
    return trouble(
        f"{node} was made without exclusive_caps=1: Chrome and Zoom do not list it.",
        *_how_to_reload(host),
    )


def _index_of(host: HostProbe, node: str) -> int:
    """The place of the device in the module's parameters: by the number that was asked for, else
    by its order."""
    numbers = host.text(f"{_MODULE}/parameters/video_nr").split(",")
    number = node.removeprefix("/dev/video")
    if number in numbers:
        return numbers.index(number)
    devices = list(loopback.loopback_devices(host.at("/sys")))
    return devices.index(node) if node in devices else 0


@check(Group.VIRTUAL_CAMERA, "access", LINUX)
def access(host: HostProbe) -> Finding:
    node = find_device(host)
    if not node:
        return _NO_DEVICE
    if host.may_use(host.at(node)):
        return ok(f"{node} may be written")
    return missing(f"This user may not write to {node}.", *how_to_get_access(host.at(node)))


@check(Group.VIRTUAL_CAMERA, "in use", LINUX)
def in_use(host: HostProbe) -> Finding:
    node = find_device(host)
    if not node or not host.may_use(host.at(node)):
        return _NO_DEVICE
    apps = ", ".join(host.other_users(node))
    if _service_writes(host):
        if not apps:
            return ok("the service writes to it; no other program has it open")
        one = loopback.module_version(host.at("/sys")) >= _ONE_READER_SINCE
        only = " (this v4l2loopback serves one app at a time)" if one else ""
        return ok(f"the service writes to it; open in {apps}{only}")
    if refusal := _refusal(host, node, apps):
        return refusal
    if apps:
        return warning(
            f"{node} is open in {apps}.",
            "Select the camera there again, if it was selected before sdcam runs.",
        )
    return ok(f"{node} is free")


def _refusal(host: HostProbe, node: str, apps: str) -> Finding | None:
    """Why the device takes no frames; None if it does."""
    state = host.loopback_state(node)
    if state is LoopbackState.STUCK:
        return warning(
            f"{node} did not notice that its last writer left, as v4l2loopback before 0.13 may.",
            "Nothing to do: sdcam frees it when it starts. Other programs cannot write to it.",
            link=f"{_ISSUES}/470",
        )
    if state is LoopbackState.WRITTEN and apps:
        return missing(
            f"Another program writes to {node}: {apps}.",
            f"Close it (fuser -v {node} lists who has it open), or give it a device of its own.",
        )
    if state is LoopbackState.WRITTEN:
        return missing(
            f"Another user's program writes to {node}, or one did and was killed.",
            f"sudo fuser -v {node} names it; if no program has it open:",
            *_how_to_reload(host),
            link=f"{_ISSUES}/675",
        )
    return None


def _service_writes(host: HostProbe) -> bool:
    status = host.status
    faults = status.get("faults") or {} if isinstance(status, dict) else {}
    if not isinstance(status, dict) or any(part.startswith("output:") for part in faults):
        return False
    return any("virtual-camera" in str(name) for name in status.get("outputs") or ())


def _how_to_reload(host: HostProbe) -> tuple[str, ...]:
    """The module cannot be removed while a program has a device of it open."""
    devices = loopback.loopback_devices(host.at("/sys"))
    users = [user for node in devices for user in host.other_users(node)]
    first = [f"Close first: {', '.join(dict.fromkeys(users))}"] if users else []
    if isinstance(host.status, dict):
        first.append("sdcam service stop   (or end sdcam run)")
    return (*first, loopback.reload_command())
