"""Every step of verify-mac is taken, whatever becomes of the others."""

from __future__ import annotations

import pytest
from verify_mac.course import STEPS, chosen, rows_of, walk
from verify_mac.mac import Done
from verify_mac.step import Step, Verdict, failed, passed, skipped


def quietly(mac, steps=STEPS):
    return list(walk(mac, steps, say=lambda line: None))


def verdicts(seen):
    return {step.id: result.verdict for step, result in seen}


def step(name, result=None, **more):
    return Step(name, "What.", "it does.", lambda mac: result or passed("Seen."), **more)


def test_on_a_healthy_mac_with_somebody_there_every_step_passes(mac):
    seen = quietly(mac)
    assert {s.id: r.sentence for s, r in seen if r.verdict is not Verdict.PASS} == {}
    assert len(seen) == len(STEPS)


def test_without_anybody_nobody_is_asked_and_the_rest_passes(mac):
    mac.attended = False
    seen = quietly(mac)
    skips = {s.id for s, r in seen if r.verdict is Verdict.SKIPPED}
    assert skips == {s.id for s in STEPS if s.asks}
    assert not any(r.verdict is Verdict.FAIL for _, r in seen)
    assert mac.told == []


def test_a_step_that_fails_or_breaks_stops_only_those_that_need_it(mac):
    def breaks(mac):
        raise ZeroDivisionError("by hand")

    steps = [
        Step("breaks", "What.", "it does.", breaks),
        step("fails", failed("No.")),
        step("needs", needs=("breaks",)),
        step("needs-that", needs=("needs",)),
        step("alone"),
    ]
    seen = {s.id: r for s, r in quietly(mac, steps)}
    assert {name: r.verdict.value for name, r in seen.items()} == {
        "breaks": "fail",
        "fails": "fail",
        "needs": "skipped",
        "needs-that": "skipped",
        "alone": "pass",
    }
    assert "ZeroDivisionError: by hand" in seen["breaks"].sentence
    assert "breaks" in seen["needs"].sentence


def test_a_mac_without_anything_fails_nothing_that_is_its_own_matter(mac):
    """No camera, no OBS, nobody at the screen: as on a runner of GitHub's."""
    mac.attended = False
    nobody = "sdcam: Nobody is logged in at this Mac's screen as this user.\n"
    mac.answers = {
        "sdcam cameras": Done(0, "[]"),
        "-list_devices": Done(1, err="AVFoundation video devices:\nAVFoundation audio devices:\n"),
        "service install": Done(3, err=nobody),
        "service status": Done(3, '{"installed": false, "state": "not running", "pid": null}'),
        "find_model": Done(1),
    }
    seen = {s.id: r for s, r in quietly(mac)}
    assert [n for n, r in seen.items() if r.verdict is Verdict.FAIL] == []
    for name in ("cameras", "phone", "obs-present", "obs-colours", "service", "crash"):
        assert seen[name].verdict is Verdict.SKIPPED, name
    assert "sdcam models pull" in seen["parity-sdxs"].sentence


def test_a_service_that_is_installed_already_is_left_alone(mac):
    status = '{"installed": true, "state": "running", "pid": 77}'
    mac.answers = {"service status": Done(0, status)}
    seen = verdicts(quietly(mac))
    for name in ("service", "crash", "stop-start", "trust", "rebuild", "uninstall"):
        assert seen[name] is Verdict.SKIPPED, name
    assert 77 not in mac.killed


def test_what_is_needed_comes_first_and_names_are_unique():
    names = [s.id for s in STEPS]
    assert len(set(names)) == len(names)
    for place, each in enumerate(STEPS):
        assert set(each.needs) <= set(names[:place]), each.id


def test_one_step_brings_what_it_needs_and_takes_the_service_away_again():
    assert [s.id for s in chosen(["layouts"])] == ["install", "parity-pocket", "layouts"]
    assert [s.id for s in chosen(["rebuild"])] == [
        "install",
        "service",
        "permission",
        "rebuild",
        "uninstall",
    ]
    assert chosen([s.id for s in STEPS]) == list(STEPS)


def test_what_was_skipped_fills_no_row():
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


SICK = {
    "install": {"make VENV": Done(2, err="pip: no\n")},
    "tests": {"make test": Done(2, "3 failed, 9 passed\n")},
    "demo": {"sdcam demo": Done(1, err="sdcam: no.\n")},
    "mps": {"torch:mps": Done(1, err="sdcam: no Metal.\n")},
    "doctor": {"sdcam doctor": Done(1, err="Traceback\n")},
    "cameras": {"sdcam cameras": Done(0, '[{"name": "Other", "kind": "USB"}]')},
    "parity-tiny": {"models verify": Done(1, err="sdcam: no.\n")},
    "parity-pocket": {"models convert": Done(1, err="sdcam: memory.\n")},
    "layouts": {"sdcam bench": Done(1, err="sdcam: no.\n")},
    "units": {"cpu-and-ne": Done(1, err="sdcam: the Neural Engine refused.\n")},
    "compiled-once": {"sdcam run": Done(1, err="Segmentation fault\n")},
    "obs-colours": {"avfoundation.rgb": Done(1, err="Input/output error\n")},
    "obs-number": {"opencv.rgb": Done(1, err="error: (-215)\n")},
    "minute": {"sdcam run": Done(-11)},
    "app-python": {"sys.prefix": Done(1, err="dlopen failed\n")},
    "launchctl": {"launchctl print": Done(0, "\tpid = 1\n")},
    "identity": {"ps ": Done(0, "  100 /usr/bin/python3\n")},
    "trust": {"service restart": Done(0)},
    "authorization": {"camera_authorization": Done(-11)},
}


@pytest.mark.parametrize("name", SICK)
def test_a_step_fails_when_what_it_looks_at_is_not_right(mac, name):
    mac.answers = SICK[name]
    own = next(s for s in STEPS if s.id == name)
    if "service" in own.needs:
        mac.sdcam("service", "install")
    assert own.act(mac).verdict is Verdict.FAIL
