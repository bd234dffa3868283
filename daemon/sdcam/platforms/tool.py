"""Runs the tools of the operating system: launchctl, systemctl, codesign, modinfo, ..."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdcam.errors import MissingError, SdcamError

_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """Exit code and output of a tool."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def said(self) -> str:
        """The last line of its error output, to be quoted in a sentence."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip().rstrip(".") if lines else f"exit code {self.code}"


def call(
    *words: str | Path,
    seconds: float = _SECONDS,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Outcome:
    """Runs a tool to its end, without a terminal.

    Raises:
        MissingError: there is no such program.
        SdcamError: it did not end within `seconds`, and was killed.
    """
    name = Path(words[0]).name
    try:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=environment,
            cwd=folder,
            check=False,
        )
    except (FileNotFoundError, PermissionError):
        raise MissingError(f"There is no program `{name}` here.", _what_to_do(name)) from None
    except subprocess.TimeoutExpired:
        raise SdcamError(
            f"`{name}` did not answer within {seconds:.0f} seconds.", "Try again."
        ) from None
    return Outcome(done.returncode, done.stdout, done.stderr)


def _what_to_do(name: str) -> str:
    if name == "systemctl":
        return "systemd does not run this system: start `sdcam run --service` in its own way."
    return "Check that PATH has the folders of the system, such as /usr/bin and /usr/sbin."
