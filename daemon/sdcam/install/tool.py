"""The system's own tools (launchctl, systemctl, codesign, ...), called one way."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdcam.errors import MissingError, SdcamError

_SECONDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """How a tool ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def said(self) -> str:
        """The last line of its complaint, for a sentence of ours."""
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
        MissingError: no such program.
        SdcamError: it did not end in time; it is killed then.
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
        raise MissingError(f"There is no program `{name}` here.", _where(name)) from None
    except subprocess.TimeoutExpired:
        raise SdcamError(
            f"`{name}` did not answer within {seconds:.0f} seconds.", "Try once more."
        ) from None
    return Outcome(done.returncode, done.stdout, done.stderr)


def _where(name: str) -> str:
    if name == "systemctl":
        return "This system is not run by systemd: start `sdcam run --service` its own way."
    return "See that the system's own folders are in PATH."
