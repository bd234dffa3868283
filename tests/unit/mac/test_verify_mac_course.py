"""The order of the steps: each is taken, whatever comes of the others."""

from __future__ import annotations

from verify_mac.course import STEPS, chosen, rows_of, walk
from verify_mac.step import Step, Verdict, failed, passed, skipped


def step(name, result=None, **more):
    return Step(name, "What.", "it does.", lambda mac: result or passed("Seen."), **more)


def taken(mac, steps):
    return {step.id: result for step, result in walk(mac, steps, say=lambda line: None)}


def test_failed_step_skips_only_what_needs_it(recording_mac):
    def breaks(mac):
        raise ZeroDivisionError("by hand")

    steps = [
        Step("breaks", "What.", "it does.", breaks),
        step("fails", failed("No.")),
        step("needs", needs=("breaks",)),
        step("needs-that", needs=("needs",)),
        step("alone"),
    ]
    seen = taken(recording_mac, steps)
    assert {name: result.verdict.value for name, result in seen.items()} == {
        "breaks": "fail",
        "fails": "fail",
        "needs": "skipped",
        "needs-that": "skipped",
        "alone": "pass",
    }
    assert "ZeroDivisionError: by hand" in seen["breaks"].sentence
    assert "breaks" in seen["needs"].sentence


def test_unattended_asks_nobody(recording_mac):
    recording_mac.attended = False
    seen = taken(recording_mac, [step("asks", asks=True), step("does-not")])
    assert [result.verdict for result in seen.values()] == [Verdict.SKIPPED, Verdict.PASS]


def test_needed_steps_come_first():
    names = [each.id for each in STEPS]
    assert len(set(names)) == len(names)
    for place, each in enumerate(STEPS):
        assert set(each.needs) <= set(names[:place]), each.id


def test_chosen_step_brings_what_it_needs_and_uninstalls():
    assert [each.id for each in chosen(["layouts"])] == ["install", "parity-pocket", "layouts"]
    service = [each.id for each in chosen(["rebuild"])]
    assert service == ["install", "service", "permission", "rebuild", "uninstall"]
    assert chosen([each.id for each in STEPS]) == list(STEPS)


def test_skipped_steps_fill_no_row():
    seen = [
        (step("a", row="seen"), passed("Yes.")),
        (step("b", row="broken"), failed("No.")),
        (step("c", row="left-out"), skipped("Nobody.")),
        (step("d"), passed("Yes.")),
    ]
    assert rows_of(seen, "2026-12-01, a Mac") == {
        "seen": "2026-12-01, a Mac",
        "broken": "**failed** 2026-12-01, a Mac",
    }
