"""All steps in their order, and the walk through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from verify_mac import cameras, coreml, installation, launchd, permission, running, virtual_camera
from verify_mac.mac import Mac
from verify_mac.report import Seen
from verify_mac.step import Result, Step, Verdict, failed, skipped

STEPS: tuple[Step, ...] = (
    *installation.STEPS,
    *cameras.STEPS,
    *coreml.STEPS,
    *virtual_camera.STEPS,
    *running.STEPS,
    *launchd.STEPS,
    *permission.STEPS,
    *launchd.LAST_STEPS,
)


def walk(
    mac: Mac, steps: Sequence[Step] = STEPS, say: Callable[[str], None] = print
) -> Iterator[tuple[Step, Result]]:
    """Takes every step. A step that fails only skips those that need it."""
    results: dict[str, Result] = {}
    for number, step in enumerate(steps, 1):
        say(f"[{number}/{len(steps)}] {step.id}: {step.what}")
        result = results[step.id] = _taken(mac, step, results)
        say(f"    {result.verdict.value}: {result.sentence}")
        yield step, result


def chosen(ids: Sequence[str]) -> list[Step]:
    """These steps and those that they need, in order."""
    wanted = set(ids)
    for step in reversed(STEPS):  # a needed step comes before those that need it
        if step.id in wanted:
            wanted |= set(step.needs)
    if "service" in wanted:  # removes what it installed
        wanted.add("uninstall")
    return [step for step in STEPS if step.id in wanted]


def rows_of(seen: Seen, day_and_machine: str) -> dict[str, str]:
    """Row id to last column; skipped steps are left out."""
    words = {Verdict.PASS: day_and_machine, Verdict.FAIL: f"**failed** {day_and_machine}"}
    return {
        step.row: words[result.verdict]
        for step, result in seen
        if step.row and result.verdict in words
    }


def _taken(mac: Mac, step: Step, results: dict[str, Result]) -> Result:
    lacking = [
        need for need in step.needs if need in results and results[need].verdict != Verdict.PASS
    ]
    if lacking:
        return skipped(f"It needs {', '.join(lacking)}, which did not pass.")
    if step.asks and not mac.attended:
        return skipped("It asks the person at the Mac: run it without --unattended.")
    try:
        return step.act(mac)
    except Exception as error:
        return failed(f"{type(error).__name__}: {error}")
