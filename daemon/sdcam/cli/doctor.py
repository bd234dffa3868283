"""`sdcam doctor`: every known trouble of this machine by name, with its fix."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcam import __version__
from sdcam.cli.options import add_config_option
from sdcam.errors import ExitCode, SdcamError

if TYPE_CHECKING:
    from sdcam.doctor import Check, Finding, HostProbe

_MARKS = {"ok": "✓", "warning": "!", "trouble": "✗"}
_ASCII_MARKS = {"ok": "+", "warning": "!", "trouble": "x"}
_COLOURS = {"ok": "\033[32m", "warning": "\033[33m", "trouble": "\033[31m"}
_BOLD, _DIM, _END = "\033[1m", "\033[2m", "\033[0m"
# A device may be called anything; it must not steer the terminal.
_NO_CONTROL = dict.fromkeys([*range(32), *range(127, 160)], " ")
_NAME_WIDTH = 16
_HOME = f"{Path.home()}/"


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.add_argument("--no-camera", action="store_true", help="do not open the camera")
    parser.add_argument("--deep", action="store_true", help="read the model to its last byte")
    # Asked by `sdcam doctor` of the macOS app, which alone knows what it may do.
    parser.add_argument("--authorization", type=Path, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitCode:
    if arguments.authorization:
        return _tell_authorization(arguments.authorization)
    try:
        from sdcam.doctor import HostProbe
    except ImportError as error:  # without numpy not even the doctor starts
        raise SdcamError(
            f"The installation is broken: {error}.",
            f"Run: {sys.executable} -m pip install --force-reinstall streamdiffusion-cam",
        ) from None
    host = HostProbe(arguments.config, camera=not arguments.no_camera, deep=arguments.deep)
    return _for_programs(host) if arguments.json else _for_people(host)


def _for_programs(host: HostProbe) -> ExitCode:
    from sdcam.doctor import examine, exit_code, pick

    found = list(examine(host))
    code = exit_code(finding for _, finding in found)
    told = {
        "version": __version__,
        "platform": host.platform,
        "exit_code": int(code),
        "checks": [_as_dict(check, finding) for check, finding in found],
        "pick": vars(pick(host)),
    }
    print(json.dumps(told, indent=2))
    return code


def _as_dict(check: Check, finding: Finding) -> dict[str, Any]:
    return {
        "group": check.group.value,
        "name": check.name,
        "verdict": finding.verdict.value,
        "found": finding.found,
        "fix": list(finding.fix),
        "link": finding.link,
    }


def _for_people(host: HostProbe) -> ExitCode:
    """Each line as it is found: the camera takes seconds."""
    from sdcam.doctor import Verdict, examine, exit_code, pick

    page = _Page()
    findings = []
    for check, finding in examine(host):
        findings.append(finding)
        if finding.verdict is not Verdict.NOT_HERE:
            page.show(check, finding)
    code = exit_code(findings)
    page.close(findings)
    told = pick(host)
    if told.name:
        print(f'In your video app pick the camera "{told.name}". {told.why}.')
    return code


class _Page:
    """Groups as headings, findings below them, fixes below those."""

    def __init__(self) -> None:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        self._marks = _MARKS if encoding == "utf8" else _ASCII_MARKS
        self._colour = sys.stdout.isatty()
        self._group = ""

    def show(self, check: Check, finding: Finding) -> None:
        if check.group.value != self._group:
            print(("\n" if self._group else "") + self._painted(check.group.value, _BOLD))
            self._group = check.group.value
        verdict = finding.verdict.value
        mark = self._painted(self._marks[verdict], _COLOURS[verdict])
        self._print(f"  {mark} {check.name:<{_NAME_WIDTH}}", finding.found.replace(_HOME, "~/"))
        for line in finding.fix:
            self._print(" " * (_NAME_WIDTH + 6), line)
        if finding.link:
            self._print(" " * (_NAME_WIDTH + 6), self._painted(finding.link, _DIM))
        sys.stdout.flush()

    def close(self, findings: list[Finding]) -> None:
        count = [sum(f.verdict.value == kind for f in findings) for kind in ("trouble", "warning")]
        words = [
            f"{number} {word}{'s' if number > 1 else ''}"
            for number, word in zip(count, ("trouble", "warning"), strict=True)
            if number
        ]
        print("\n" + (", ".join(words) + "." if words else "All is well."))

    def _print(self, head: str, text: str) -> None:
        encoding = sys.stdout.encoding or "ascii"
        clean = text if _DIM in text else text.translate(_NO_CONTROL)
        print(f"{head}{clean}".encode(encoding, "replace").decode(encoding))

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_END}" if self._colour else text


def _tell_authorization(report: Path) -> ExitCode:
    from sdcam.platforms.avfoundation import camera_authorization

    report.write_text(json.dumps({"authorization": camera_authorization().name}))
    return ExitCode.DONE
