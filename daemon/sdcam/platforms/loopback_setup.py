"""How v4l2loopback gets onto a Linux machine, and our camera into it. sdcam only prints these
commands: they need root."""

from __future__ import annotations

import shlex
from pathlib import Path

from sdcam import resources
from sdcam.platforms import read_text

_DEBIAN = "sudo apt install v4l2loopback-dkms linux-headers-$(uname -r)"
# By ID or ID_LIKE of os-release(5).
_INSTALL = {
    "debian": _DEBIAN,
    "ubuntu": _DEBIAN,
    "fedora": "sudo dnf install akmod-v4l2loopback   (from RPM Fusion)",
    "arch": "sudo pacman -S v4l2loopback-dkms linux-headers",
    "suse": "sudo zypper install v4l2loopback-kmp-default",
}
_INSTALL_ANYWHERE = (
    "Install your distribution's v4l2loopback (https://github.com/v4l2loopback/v4l2loopback)"
)
_FILES = {
    "v4l2loopback.modules-load.conf": "/etc/modules-load.d/streamdiffusion-cam.conf",
    "v4l2loopback.modprobe.conf": "/etc/modprobe.d/streamdiffusion-cam.conf",
}


def install_command(os_release: Path = Path("/etc/os-release")) -> str:
    """Installs the module on this distribution."""
    words: list[str] = []
    for line in read_text(os_release).splitlines():
        name, _, value = line.partition("=")
        if name in ("ID", "ID_LIKE"):
            words += value.strip('"').replace("opensuse", "suse").split()
    for word in words:
        for family, command in _INSTALL.items():
            if word.startswith(family):
                return command
    return _INSTALL_ANYWHERE


def boot_commands() -> list[str]:
    """Copy the two files that load the module with our camera at every start of the machine."""
    return [
        f"sudo install -m 644 {shlex.quote(str(resources.launchd(name)))} {target}"
        for name, target in _FILES.items()
    ]
