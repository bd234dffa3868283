"""What the report says about the Mac."""

from __future__ import annotations

from verify_mac.mac import Mac

_ASKED = {
    "model": ("sysctl", "-n", "hw.model"),
    "chip": ("sysctl", "-n", "machdep.cpu.brand_string"),
    "memory": ("sysctl", "-n", "hw.memsize"),
    "macOS": ("sw_vers", "-productVersion"),
    "build": ("sw_vers", "-buildVersion"),
    "commit": ("git", "describe", "--always", "--dirty"),
}
_PACKAGES = "streamdiffusion-cam coremltools torch numpy opencv-python openvino pyvirtualcam"
_VERSIONS = f"""
import platform
from importlib.metadata import PackageNotFoundError, version

print("python", platform.python_version(), platform.machine())
for name in "{_PACKAGES}".split():
    try:
        print(name, version(name))
    except PackageNotFoundError:
        print(name, "not installed")
"""


def machine_data(mac: Mac) -> dict[str, str]:
    """Without anything that identifies its owner: no serial number, no host name."""
    told = {name: mac.run(*words, seconds=20) for name, words in _ASKED.items()}
    data = {name: done.out.strip() if done.ok else "unknown" for name, done in told.items()}
    if data["memory"].isdecimal():
        data["memory"] = f"{int(data['memory']) / 2**30:.0f} GB"
    versions = mac.python("-c", _VERSIONS, seconds=60).out.splitlines()
    return data | {name: rest for name, _, rest in (line.partition(" ") for line in versions)}


def in_short(data: dict[str, str]) -> str:
    """For a cell of the table: "Apple M3 Pro (Mac15,6), macOS 15.1"."""
    names = ("chip", "model", "macOS")
    chip, model, macos = (data.get(name, "unknown") for name in names)
    return f"{chip} ({model}), macOS {macos}".replace("|", "/")
