"""What these tests need beside the product, and the network that they have to themselves."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

_INSIDE = "OBS_TESTS_INSIDE"
# obs-websocket, which is part of OBS, listens on every interface.
_ISOLATED = 'ip link set lo up && exec "$@"'
_PROGRAMS = {
    "obs": "obs-studio obs-plugins",  # the plugins bring the kinds of source
    "Xvfb": "xvfb",
    "unshare": "util-linux",
    "ip": "iproute2",
}
_CLIENT = "obsws_python", "obsws-python"


def missing() -> str:
    """A sentence: what is missing and what installs it; "" with everything there."""
    packages = [each for program, each in _PROGRAMS.items() if shutil.which(program) is None]
    told = []
    if packages:
        told.append(f"sudo apt-get install --no-install-recommends {' '.join(packages)}")
    if importlib.util.find_spec(_CLIENT[0]) is None:
        told.append(f"{sys.executable} -m pip install {_CLIENT[1]}")
    script = Path(__file__).with_name("install.sh")
    return f"These tests need a real OBS: {'; '.join(told)} ({script} does that)." if told else ""


def inside() -> bool:
    """Whether nobody else is in the network of this process."""
    return _INSIDE in os.environ or Path("/vmrun").is_dir()  # a virtual machine has none


def run_inside(words: list[str]) -> int:
    """Runs a command in a network of its own; its exit code, 4 where there is none to have."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    isolated = ["unshare", *user, "--net", "sh", "-c", _ISOLATED, "sh"]
    able = subprocess.run([*isolated, "true"], check=False, capture_output=True, text=True)
    if able.returncode:
        print(
            f"No network of its own for OBS ({able.stderr.strip()}): run these tests as root, or "
            "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1).",
            file=sys.stderr,
        )
        return 4
    return subprocess.run(
        [*isolated, *words], check=False, env=os.environ | {_INSIDE: "1"}
    ).returncode
