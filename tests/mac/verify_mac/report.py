"""The report: Markdown, for an issue."""

from __future__ import annotations

import getpass
import platform
from collections.abc import Sequence
from pathlib import Path

from verify_mac.step import Result, Step, Verdict

_MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.SKIPPED: "➖"}
_LONGEST = 4000  # characters of one step's evidence; GitHub takes 65,536 of an issue

Seen = Sequence[tuple[Step, Result]]


def report(seen: Seen, machine: dict[str, str], day: str) -> str:
    counts = {v: sum(result.verdict is v for _, result in seen) for v in Verdict}
    summary = ", ".join(f"{number} {verdict.value}" for verdict, number in counts.items())
    lines = [f"# make verify-mac, {day}: {summary}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in machine.items()]
    lines += ["", "| step | | what was seen |", "|---|---|---|"]
    for step, result in seen:
        verdict = f"{_MARKS[result.verdict]} {result.verdict.value}"
        lines.append(f"| {step.id} | {verdict} | {_cell(result.sentence)} |")
    for step, result in seen:
        if result.evidence.strip():
            lines += ["", *_details(step, result)]
    return _discreet("\n".join(lines) + "\n")


def _details(step: Step, result: Result) -> list[str]:
    evidence = result.evidence.strip()
    if len(evidence) > _LONGEST:
        evidence = "[...]\n" + evidence[-_LONGEST:]
    fence = "```"
    while fence in evidence:
        fence += "`"
    head = f"<details><summary>{step.id}: {result.verdict.value}</summary>"
    judged = f"{step.what} Passes when {step.judged}"
    return [head, "", judged, "", fence + "text", evidence, fence, "</details>"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _discreet(text: str) -> str:
    """Without the names of the user and of the computer."""
    text = text.replace(str(Path.home()), "~")
    for name, instead in ((getpass.getuser(), "USER"), (platform.node(), "HOST")):
        if len(name) > 3 and name.lower() not in ("user", "root", "runner"):
            text = text.replace(name, instead)
    return text
