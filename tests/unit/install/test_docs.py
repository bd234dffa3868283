"""What the docs promise of the service: a reason for every line, a test for every fault."""

from __future__ import annotations

import plistlib
import re
from pathlib import Path

import pytest
from test_user_unit import directives

from sdcam import resources

REPOSITORY = Path(__file__).parents[3]
DOCS = REPOSITORY / "docs"


def rows(file, heading):
    """The cells of the first table below a heading."""
    text = (DOCS / file).read_text(encoding="utf-8").split(f"{heading}\n", 1)[1]
    table = re.search(r"^(\|.*\n)+", text, re.MULTILINE)[0]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in table.splitlines()[2:]]  # fmt: skip


def named(cell):
    """What stands in it as code."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_key_of_the_launchagent_has_its_row_with_a_reason():
    table = rows("service.md", "### The LaunchAgent")
    agent = plistlib.loads(resources.launchd("com.streamdiffusion-cam.daemon.plist").read_bytes())
    assert sorted(key for key, *_ in table for key in named(key)) == sorted(agent)
    assert all(reason for *_, reason in table)


def test_every_line_of_the_unit_has_its_row_with_a_reason():
    table = rows("service.md", "### The unit")
    unit = directives(resources.launchd("streamdiffusion-cam.service").read_text())
    lines = {name: value for section in unit.values() for name, value in section.items()}
    told = [line.partition("=") for cell, _ in table for line in named(cell)]
    assert sorted(name for name, *_ in told) == sorted(lines)
    for name, equals, value in told:
        assert not equals or lines[name] == value, name
    assert all(reason for _, reason in table)


@pytest.fixture(scope="module")
def tests():
    """The names of all tests, and of their files."""
    files = [*REPOSITORY.glob("tests/**/*.py")]
    found = {file.name for file in files}
    for file in files:
        found |= set(re.findall(r"^ *def (test_\w+)\(", file.read_text(), re.MULTILINE))
    return found


def test_every_fault_has_a_test_that_stages_it(tests):
    for fault, *_, cell in rows("faults.md", "# Faults"):
        assert named(cell), fault
        assert set(named(cell)) <= tests, fault


@pytest.mark.parametrize("file", sorted(DOCS.glob("*.md")), ids=lambda file: file.name)
def test_every_test_that_is_named_is_there(file, tests):
    text = file.read_text(encoding="utf-8")
    assert set(re.findall(r"`(?:tests/[\w/]+/)?(test_\w+(?:\.py)?)`", text)) <= tests
