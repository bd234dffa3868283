"""How verify-mac runs programs: to their end, or until a timeout."""

from __future__ import annotations

import sys
import time

import pytest
from verify_mac.mac import NOT_THERE, TIMED_OUT, Mac


@pytest.fixture
def here(tmp_path):
    return Mac(tmp_path, tmp_path, attended=False)


def test_output_and_exit_code(here):
    done = here.python("-c", "import sys; print('{\"a\": 1}'); sys.exit('no')")
    assert (done.code, done.json(), done.last_line) == (1, {"a": 1}, "no")
    assert "[exit code 1]" in done.said
    assert here.python("-c", "print('no json')").json() is None


def test_missing_program_is_an_answer(here):
    done = here.run("no-such-program-anywhere")
    assert done.code == NOT_THERE
    assert "no-such-program" in done.last_line


def test_timeout_kills_the_group(here):
    child = "import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    start = time.monotonic()
    done = here.python("-c", parent, seconds=0.5)
    assert done.code == TIMED_OUT
    assert time.monotonic() - start < 10


def test_users_settings_are_not_used(here, tmp_path):
    told = here.python("-c", "import os; print(os.environ['SDCAM_CONFIG'])").out.strip()
    assert told == str(tmp_path / "config.toml")
    from sdcam.settings import load

    assert str(load(tmp_path / "config.toml").service.socket_path) == f"{tmp_path}/control.sock"


def test_beside_ends_by_sigint_and_is_read(here, tmp_path):
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


def test_until_waits_and_gives_up(here, monkeypatch):
    monkeypatch.setattr(here, "wait", lambda seconds: None)
    told = iter([None, {"state": "starting"}, {"state": "running"}])
    monkeypatch.setattr(here, "status", lambda: next(told))
    assert here.until(lambda s: s["state"] == "running", 5) == {"state": "running"}
    monkeypatch.setattr(here, "status", lambda: None)
    assert here.until(lambda s: True, 0.05) is None


def test_question_repeats_until_answered(here, monkeypatch):
    answers = iter(["", "what?", "Yes"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert here.ask("Is it blue?") is True
    assert sys.executable in here.python("-c", "import sys; print(sys.executable)").out
