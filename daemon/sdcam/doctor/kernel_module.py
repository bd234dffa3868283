"""v4l2loopback, the kernel module behind the virtual camera of Linux: there, loaded, allowed."""

from __future__ import annotations

from sdcam.doctor.check import (
    LINUX,
    Check,
    Finding,
    Group,
    missing,
    not_here,
    ok,
    warning,
)
from sdcam.doctor.world import World
from sdcam.install.systemd import at_every_start
from sdcam.platforms import loopback as platforms

LOAD = platforms.load_command()
RELOAD = platforms.reload_command()

_MODULE = "/sys/module/v4l2loopback"
_SECURE_BOOT = (
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"  # EFI global
)
_KEYS = ("/var/lib/shim-signed/mok/MOK.der", "/var/lib/dkms/mok.pub")  # Ubuntu's, dkms's own
_SECURE_BOOT_LINK = "https://wiki.debian.org/SecureBoot#MOK_-_Machine_Owner_Key"
# ID or ID_LIKE of /etc/os-release: what installs the module.
_INSTALL = {
    "debian": "sudo apt install v4l2loopback-dkms linux-headers-$(uname -r)",
    "ubuntu": "sudo apt install v4l2loopback-dkms linux-headers-$(uname -r)",
    "fedora": "sudo dnf install akmod-v4l2loopback   (from RPM Fusion)",
    "arch": "sudo pacman -S v4l2loopback-dkms linux-headers",
    "suse": "sudo zypper install v4l2loopback-kmp-default",
}
_INSTALL_ANYWHERE = (
    "Install your distribution's v4l2loopback (https://github.com/v4l2loopback/v4l2loopback)"
)


def is_loaded(world: World) -> bool:
    return platforms.module_is_loaded(world.at("/sys"))


def module_version(world: World) -> tuple[int, ...]:
    return platforms.module_version(world.at("/sys"))


def _module(world: World) -> Finding:
    if is_loaded(world):
        return ok(f"v4l2loopback {world.text(f'{_MODULE}/version')} is loaded".replace("  ", " "))
    if _file_for_this_kernel(world):
        return missing("v4l2loopback is installed, but not loaded.", LOAD, *_for_good())
    others = _other_kernels(world)
    if others or any(world.at("/usr/src").glob("v4l2loopback*")):
        where = f"kernel {', '.join(others)}" if others else "no kernel yet"
        return missing(
            f"v4l2loopback is built for {where}, and {world.kernel} is running.",
            f"sudo apt install linux-headers-{world.kernel} && sudo dkms autoinstall"
            if world.at("/etc/debian_version").exists()
            else f"Install the headers of {world.kernel}, then: sudo dkms autoinstall",
            LOAD,
        )
    return missing("v4l2loopback is not installed.", _how_to_install(world), LOAD, *_for_good())


def _for_good() -> tuple[str, ...]:
    return ("And at every start of the machine:", *at_every_start())


def _file_for_this_kernel(world: World) -> str:
    """Where the module's file lies; "" where there is none."""
    told = world.run("modinfo", "-k", world.kernel, "-F", "filename", "v4l2loopback")
    if told is not None:
        return told.out.strip() if told.ok else ""
    here = world.at(f"/lib/modules/{world.kernel}")
    return next((str(path) for path in here.rglob("v4l2loopback.ko*")), "")


def _other_kernels(world: World) -> list[str]:
    modules = world.at("/lib/modules")
    found = {path.relative_to(modules).parts[0] for path in modules.glob("*/**/v4l2loopback.ko*")}
    return sorted(found - {world.kernel})


def _how_to_install(world: World) -> str:
    words: list[str] = []
    for line in world.text("/etc/os-release").splitlines():
        name, _, value = line.partition("=")
        if name in ("ID", "ID_LIKE"):
            words += value.strip('"').replace("opensuse", "suse").split()
    for word in words:
        for family, command in _INSTALL.items():
            if word.startswith(family):
                return command
    return _INSTALL_ANYWHERE


def _secure_boot(world: World) -> Finding:
    """With it the kernel takes signed modules only, and says "Key was rejected by service"."""
    if not _secure_boot_is_on(world):
        return not_here("Secure Boot is off.")
    if is_loaded(world):
        return ok("Secure Boot is on, and v4l2loopback is loaded all the same")
    if not _file_for_this_kernel(world):
        return not_here("Secure Boot is on; v4l2loopback is not installed.")
    told = world.run("modinfo", "-k", world.kernel, "-F", "signer", "v4l2loopback")
    signer = told.out.strip() if told is not None else ""
    key = next((key for key in _KEYS if world.at(key).exists()), _KEYS[-1])
    enrol = (
        f"sudo mokutil --import {key}",
        'Restart, and choose "Enroll MOK" in the blue screen; then the modprobe line above.',
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


def _secure_boot_is_on(world: World) -> bool:
    try:
        return world.at(_SECURE_BOOT).read_bytes()[-1:] == b"\x01"  # after four bytes of attributes
    except OSError:
        told = world.run("mokutil", "--sb-state")
        return told is not None and "SecureBoot enabled" in told.out


CHECKS = (
    Check(Group.VIRTUAL_CAMERA, "v4l2loopback", _module, (LINUX,)),
    Check(Group.VIRTUAL_CAMERA, "secure boot", _secure_boot, (LINUX,)),
)
