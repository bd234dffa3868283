"""On Windows every command says in one sentence what is and what is not supported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sdcam.cli import main
from sdcam.cli.program import COMMANDS

# Python for Windows has none of these: importing one would end in a traceback.
_NOT_THERE = ("fcntl", "grp", "pwd", "resource", "termios")
_AS_ON_WINDOWS = f"""
import sys
for name in {_NOT_THERE}:
    sys.modules[name] = None
import sdcam.cli
sys.platform = "win32"
sys.exit(sdcam.cli.main())
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_refused_on_windows_with_a_sentence(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "win32")
    assert main([command, "whatever"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "runs on macOS and Linux" in printed.err
    assert "Windows" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("words", [["run"], ["models", "pull", "sdxs-512"], ["--version"]])
def test_no_unix_module_is_imported_on_windows(words):
    done = subprocess.run(
        [sys.executable, "-c", _AS_ON_WINDOWS, *words], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if words == ["--version"] else 1)
    assert ("Windows" in done.stderr) is (words != ["--version"])


def test_no_command_is_refused_elsewhere(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["run", "--help"])
    assert caught.value.code == 0
