"""Programs are run to their end, and not for ever."""

from __future__ import annotations

import sys
import time

import pytest
from verify_mac.mac import NOT_THERE, TIMED_OUT, Mac


@pytest.fixture
def here(tmp_path):
    return Mac(tmp_path, tmp_path, attended=False)


def test_a_program_says_what_it_says(here):
    done = here.python("-c", "import sys; print('{\"a\": 1}'); sys.exit('no')")
    assert (done.code, done.json(), done.last_line) == (1, {"a": 1}, "no")
    assert "[exit code 1]" in done.said
    assert here.python("-c", "print('no json')").json() is None


def test_one_that_is_not_there_is_an_answer_too(here):
    done = here.run("no-such-program-anywhere")
    assert done.code == NOT_THERE
    assert "no-such-program" in done.last_line


def test_one_that_does_not_end_is_killed_with_its_children(here):
    child = "import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    start = time.monotonic()
    done = here.python("-c", parent, seconds=0.5)
    assert done.code == TIMED_OUT
    assert time.monotonic() - start < 10


def test_nothing_of_the_users_own_settings_is_in_force(here, tmp_path):
    told = here.python("-c", "import os; print(os.environ['SDCAM_CONFIG'])").out.strip()
    assert told == str(tmp_path / "config.toml")
    from sdcam.settings import load

    assert str(load(tmp_path / "config.toml").service.socket_path) == f"{tmp_path}/control.sock"


def test_what_runs_beside_ends_as_by_ctrl_c_and_is_read(here, tmp_path):
    program = tmp_path / "beside.py"
    program.write_text(
        "import time\nprint('up', flush=True)\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('down')\n"
    )
    with here.beside(program) as end:
        deadline = time.monotonic() + 20
        while "up" not in (tmp_path / "beside-1.out").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        done = end()
    assert (done.code, done.out) == (0, "up\ndown\n")


def test_the_status_is_waited_for_and_given_up(here, monkeypatch):
    monkeypatch.setattr(here, "wait", lambda seconds: None)
    told = iter([None, {"state": "starting"}, {"state": "running"}])
    monkeypatch.setattr(here, "status", lambda: next(told))
    assert here.until(lambda s: s["state"] == "running", 5) == {"state": "running"}
    monkeypatch.setattr(here, "status", lambda: None)
    assert here.until(lambda s: True, 0.05) is None


def test_a_question_is_asked_until_it_is_answered(here, monkeypatch):
    answers = iter(["", "what?", "Yes"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert here.ask("Is it blue?") is True
    assert sys.executable in here.python("-c", "import sys; print(sys.executable)").out
