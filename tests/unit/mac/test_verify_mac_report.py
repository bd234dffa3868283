"""The report can be pasted, and the table of docs/verification.md is filled and nothing else."""

from __future__ import annotations

import getpass
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from verify_mac import __main__ as command
from verify_mac.course import STEPS
from verify_mac.report import report
from verify_mac.step import Step, failed, passed, skipped
from verify_mac.table import NOT_YET, fill, rows_in

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "verification.md"
STEP = Step("cameras", "Lists them.", "all are there.", lambda mac: passed("Yes."))
MAC = {"model": "Mac15,6", "chip": "Apple M3 Pro", "macOS": "15.1"}


def test_fill_changes_one_cell():
    text = TABLE.read_text("utf-8")
    once = fill(text, {"app-identity": "2026-12-01, a|b"})  # its row has a | in a command
    changed = [(a, b) for a, b in zip(text.splitlines(), once.splitlines(), strict=True) if a != b]
    assert len(changed) == 1
    before, after = changed[0]
    assert after == before.removesuffix(f"{rows_in(text)['app-identity']} |") + "2026-12-01, a/b |"
    assert fill(once, {"app-identity": rows_in(text)["app-identity"]}) == text


def test_unknown_row_is_an_error():
    with pytest.raises(KeyError, match="no-such-row"):
        fill(TABLE.read_text("utf-8"), {"no-such-row": "today"})


def test_rows_and_steps_name_each_other():
    text = TABLE.read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows_in(text)) == len(lines)  # none twice, none that cannot be read
    named = {}
    for line in lines:
        row = line.split("`")[1]
        if step := re.search(r"step `([a-z-]+)`", line):
            named[row] = step[1]
    assert named == {step.row: step.id for step in STEPS if step.row}


def test_seen_column_has_a_day_or_not_yet():
    """Nothing is claimed that was not run."""
    for name, seen in rows_in(TABLE.read_text("utf-8")).items():
        assert seen == NOT_YET or re.match(r"(\*\*failed\*\* )?20\d\d-\d\d-\d\d, \S", seen), name


def test_report_counts_and_shows_evidence():
    seen = [
        (STEP, failed("One | is\nmissing.", "evidence ``` with a fence")),
        (STEP, skipped("Nobody there.")),
    ]
    text = report(seen, MAC, "2026-12-01")
    assert text.startswith("# make verify-mac, 2026-12-01: 0 pass, 1 fail, 1 skipped\n")
    assert "| chip | Apple M3 Pro |" in text
    assert "| cameras | ❌ fail | One \\| is missing. |" in text
    assert "Lists them. Passes when all are there." in text
    assert "````text\nevidence ``` with a fence\n````" in text
    assert text.count("<details>") == 1


def test_long_evidence_keeps_its_end():
    seen = [(STEP, failed("No.", "x" * 50_000 + "the end"))]
    text = report(seen, MAC, "2026-12-01")
    assert "x\n" not in text
    assert "xthe end" in text
    assert len(text) < 6000


def test_report_names_no_people_or_computers(monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "annabel")
    monkeypatch.setattr(platform, "node", lambda: "annabels-macbook")
    monkeypatch.setattr(Path, "home", lambda: Path("/Users/annabel"))
    log = "/Users/annabel/sdcam, annabel on annabels-macbook"
    text = report([(STEP, failed("No.", log))], MAC, "2026-12-01")
    assert "annabel" not in text
    assert "~/sdcam, USER on " in text


def test_other_systems_get_one_sentence(capsys):
    assert command.main(["--unattended"], platform="linux") == 1
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "needs a Mac" in said


def test_command_writes_report_and_table_and_fails_with_a_step(
    recording_mac, tmp_path, monkeypatch
):
    table, made = tmp_path / "verification.md", tmp_path / "build" / "report.md"
    shutil.copy(TABLE, table)
    monkeypatch.setattr(command, "_TABLE", table)
    monkeypatch.setattr(command, "_REPORT", made)
    monkeypatch.setattr(command, "Mac", lambda root, work, attended: recording_mac)
    monkeypatch.setattr(command, "machine_data", lambda mac: MAC)
    step = next(step for step in STEPS if step.row == "coreml-layouts")
    words = ["--only", "layouts", "--write"]
    for result, code, cell in ((passed("Yes."), 0, "20"), (failed("No."), 1, "**failed** 20")):
        monkeypatch.setattr(command, "walk", lambda mac, steps, result=result: [(step, result)])
        assert command.main(words, platform="darwin") == code
        assert result.verdict.value in made.read_text("utf-8")
        filled = rows_in(table.read_text("utf-8"))
        assert filled["coreml-layouts"].startswith(cell)
        assert filled["coreml-layouts"].endswith("Apple M3 Pro (Mac15,6), macOS 15.1")
        assert filled["obs-colours"] == NOT_YET


@pytest.mark.skipif(platform.system() == "Darwin", reason="there it would begin")
def test_make_on_other_systems():
    # Not as a part of the `make test` that may be running this.
    environment = {name: v for name, v in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "verify-mac"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == (
        "make verify-mac needs a Mac: it shows what cannot be seen anywhere else.\n"
    )
    assert done.returncode != 0
