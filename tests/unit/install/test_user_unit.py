"""The systemd unit: as systemd reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sdcam.install.systemd import UNIT, render

# systemd.unit(5), systemd.service(5), systemd.exec(5), up to version 252 (Debian 12). Options that
# need a mount or user namespace are left out on purpose: docs/service.md.
DIRECTIVES = {
    "Unit": {"Description", "StartLimitIntervalSec", "StartLimitBurst"},
    "Service": {
        "ExecStart", "WorkingDirectory", "Type", "WatchdogSec", "Restart", "RestartSec",
        "RestartPreventExitStatus", "KillMode", "TimeoutStopSec", "OOMPolicy",
        "RestrictAddressFamilies", "NoNewPrivileges", "RestrictSUIDSGID", "RestrictNamespaces",
        "RestrictRealtime", "LockPersonality", "SystemCallArchitectures", "SystemCallFilter",
        "SystemCallErrorNumber", "UMask",
    },
    "Install": {"WantedBy"},
}  # fmt: skip


def directives(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            assert name not in section, name
            section[name] = value
    return found


def test_the_unit_has_documented_directives():
    found = directives(render(Path("/venv/bin/python")))
    assert {section: set(lines) for section, lines in found.items()} == DIRECTIVES


def test_paths_with_blanks_and_signs_are_quoted():
    unit = directives(render(Path('/home/a b/50%/$x/"y"/bin/python'), Path("/etc/my cam.toml")))
    assert unit["Service"]["ExecStart"] == (
        r'"/home/a b/50%%/$$x/\"y\"/bin/python" -m sdcam run --service --config "/etc/my cam.toml"'
    )


def test_systemd_itself_accepts_it(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here: the unit was NOT verified")
    unit = tmp_path / UNIT
    unit.write_text(render(Path(sys.executable)))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", unit],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
