"""The GitHub workflow, as far as it can be checked without GitHub."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILE = ROOT / ".github" / "workflows" / "test.yml"


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(FILE.read_text("utf-8"))


def test_it_says_that_it_was_not_run_as_long_as_the_table_says_so():
    seen = (ROOT / "docs" / "verification.md").read_text("utf-8")
    rows = [line for line in seen.splitlines() if line.startswith("| `github-")]
    assert len(rows) == 2
    not_yet = all(row.endswith("| not yet seen |") for row in rows)
    assert FILE.read_text("utf-8").startswith("# Not yet run") is not_yet


def test_it_may_read_the_repository_and_nothing_else(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    checkouts = [
        step
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "checkout" in step.get("uses", "")
    ]
    assert len(checkouts) == len(workflow["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_actions_are_githubs_own_in_one_major_version(workflow):
    used = [s["uses"] for job in workflow["jobs"].values() for s in job["steps"] if "uses" in s]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", action)


def test_every_job_ends_some_day(workflow):
    assert all(job["timeout-minutes"] <= 120 for job in workflow["jobs"].values())


def test_linux_runs_make_test_on_the_oldest_and_the_newest_python(workflow):
    linux = workflow["jobs"]["linux"]
    assert linux["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.13"]
    assert any(step.get("run", "").startswith("make test ") for step in linux["steps"])


def test_the_mac_runs_what_needs_nobody_and_keeps_the_report(workflow):
    mac = workflow["jobs"]["mac"]
    assert mac["runs-on"].startswith("macos-1")
    commands = [step.get("run", "") for step in mac["steps"]]
    assert 'make verify-mac VERIFY="--unattended"' in commands
    upload = mac["steps"][-1]
    assert upload["uses"].startswith("actions/upload-artifact@")
    assert upload["with"]["path"] == "build/verify-mac.md"
    assert upload["if"] == "${{ !cancelled() }}"  # the report of a failure most of all
