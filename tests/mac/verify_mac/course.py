"""All steps, in the order in which they are taken, and the walk through them."""

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
    """Takes every step; one that fails stops none of the others but those that need it."""
    results: dict[str, Result] = {}
    for number, step in enumerate(steps, 1):
        say(f"[{number}/{len(steps)}] {step.id}: {step.what}")
        result = results[step.id] = _taken(mac, step, results)
        say(f"    {result.verdict.value}: {result.sentence}")
        yield step, result


def chosen(ids: Sequence[str]) -> list[Step]:
    """These steps, and those that they need."""
    wanted = set(ids)
    for step in reversed(STEPS):  # what is needed stands before what needs it
        if step.id in wanted:
            wanted |= set(step.needs)
    if "service" in wanted:  # what was installed is taken away again
        wanted.add("uninstall")
    return [step for step in STEPS if step.id in wanted]


def rows_of(seen: Seen, day_and_machine: str) -> dict[str, str]:
    """What the table's last column is to say; nothing of what was skipped."""
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
        return skipped("It asks somebody at the Mac: run it without --unattended.")
    try:
        return step.act(mac)
    except Exception as error:
        return failed(f"{type(error).__name__}: {error}")
