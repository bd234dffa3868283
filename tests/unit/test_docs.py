"""The manual's references to tests: renamed tests are the links that break most often."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_tests_named_in_the_docs_exist():
    files = list(REPOSITORY.glob("tests/**/*.py"))
    existing = {file.name for file in files}
    for file in files:
        existing |= set(re.findall(r"^ *def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE))
    for page in REPOSITORY.glob("docs/*.md"):
        named = re.findall(r"`(?:tests/[\w/]+/)?(test_\w+(?:\.py)?)`", page.read_text("utf-8"))
        assert set(named) <= existing, page.name
