"""What the steps call is there: sdcam's commands with these options, and Python that compiles."""

from __future__ import annotations

import pytest
from verify_mac.course import walk

from sdcam.cli.options import settings_from
from sdcam.cli.program import parser_for


@pytest.fixture
def walked(mac):
    list(walk(mac, say=lambda line: None))
    return mac


def test_every_command_is_one_that_sdcam_takes(walked):
    names = set()
    for words in walked.commands:
        if words == ["--version"]:
            continue
        names.add(words[0])
        arguments = parser_for(words[0]).parse_args(words)
        if hasattr(arguments, "set"):
            settings_from(arguments)
    assert {"run", "bench", "models", "doctor", "cameras", "service", "demo"} <= names


def test_every_program_is_python(walked):
    assert len(set(walked.programs)) > 4
    spy = (walked.work / "spy.py").read_text()
    assert "'OBS Virtual Camera'] + ['-t', '8'" in spy
    for program in {*walked.programs, spy}:
        compile(program, "step", "exec")
