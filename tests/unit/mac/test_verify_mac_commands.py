"""The steps of verify-mac, which no test can run, call commands and options that sdcam has."""

from __future__ import annotations

import contextlib

import pytest
from verify_mac.course import STEPS

from sdcam.cli.options import settings_from
from sdcam.cli.program import parser_for


@pytest.fixture
def walked(recording_mac):
    for step in STEPS:
        with contextlib.suppress(Exception):  # a step that takes the answers apart
            step.act(recording_mac)
    return recording_mac


def test_commands_are_parsed_by_sdcam(walked):
    names = set()
    for words in walked.commands:
        if words == ["--version"]:
            continue
        names.add(words[0])
        arguments = parser_for(words[0]).parse_args(words)
        if hasattr(arguments, "set"):
            settings_from(arguments)
    assert names == {"run", "bench", "models", "doctor", "cameras", "service", "demo"}


def test_programs_compile(walked):
    assert len(set(walked.programs)) > 3
    for program in walked.programs:
        compile(program, "step", "exec")
