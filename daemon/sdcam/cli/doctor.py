"""`sdcam doctor`: every known problem of this machine by name, with its fix."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcam import __version__
from sdcam.cli.options import add_config_option
from sdcam.cli.terminal import interruptible, line, say, writes
from sdcam.errors import ExitCode, SdcamError

if TYPE_CHECKING:
    from sdcam.doctor import Check, Finding, HostProbe

_STYLES = {"ok": "green", "warning": "yellow", "trouble": "red"}
_MARKS = {"ok": "✓", "warning": "!", "trouble": "✗"}
_ASCII_MARKS = {"ok": "+", "warning": "!", "trouble": "x"}
_NAME_WIDTH = 16
_INDENT = " " * (_NAME_WIDTH + 6)
_HOME = f"{Path.home()}/"


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.add_argument("--no-camera", action="store_true", help="do not open the camera")
    parser.add_argument("--deep", action="store_true", help="read the model to its last byte")
    # `sdcam doctor` starts the macOS app with it: only the app knows what it may do.
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
    with interruptible():  # it has a camera open
        return _for_programs(host) if arguments.json else _for_people(host)


def _for_programs(host: HostProbe) -> ExitCode:
    from sdcam.doctor import examine, exit_code, pick

    found = list(examine(host))
    code = exit_code(finding for _, finding in found)
    report = {
        "version": __version__,
        "platform": host.platform,
        "exit_code": int(code),
        "checks": [_as_dict(check, finding) for check, finding in found],
        "pick": vars(pick(host)),
    }
    print(json.dumps(report, indent=2))
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
    """Prints each finding as it is made: the camera takes seconds."""
    from sdcam.doctor import Verdict, examine, exit_code, pick

    findings = []
    group = ""
    for check, finding in examine(host):
        findings.append(finding)
        if finding.verdict is Verdict.NOT_HERE:
            continue
        if check.group.value != group:
            if group:
                say()
            group = check.group.value
            line((group, "bold"))
        _show(check.name, finding)
    say()
    say(_count(findings))
    picked = pick(host)
    if picked.name:
        say(f'In your video app pick the camera "{picked.name}". {picked.why}.')
    return exit_code(findings)


def _show(name: str, finding: Finding) -> None:
    verdict = finding.verdict.value
    mark = (_MARKS if writes("✓✗") else _ASCII_MARKS)[verdict]
    found = finding.found.replace(_HOME, "~/")
    line("  ", (mark, _STYLES[verdict]), f" {name:<{_NAME_WIDTH}}{found}")
    for text in finding.fix:
        line(_INDENT, text)
    if finding.link:
        line(_INDENT, (finding.link, "dim"))


def _count(findings: list[Finding]) -> str:
    counts = []
    for kind in ("trouble", "warning"):
        if number := sum(finding.verdict.value == kind for finding in findings):
            counts.append(f"{number} {kind}{'s' if number > 1 else ''}")
    return f"{', '.join(counts)}." if counts else "All is well."


def _tell_authorization(report: Path) -> ExitCode:
    from sdcam.platforms.avfoundation import camera_authorization

    report.write_text(json.dumps({"authorization": camera_authorization().name}))
    return ExitCode.DONE
