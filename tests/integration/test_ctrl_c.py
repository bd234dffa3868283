"""Ctrl-C at any moment of a command ends it without a traceback."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sdcam.cli.terminal import InterruptionError, interruptible
from sdcam.errors import ExitCode

TINY = Path(__file__).parent.parent / "data" / "tiny-model"
INTERRUPTED = (-signal.SIGINT, ExitCode.INTERRUPTED)


def interrupted_after(seconds, words, folder):
    """Returns the exit code and what stood on stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sdcam", *words],
        env={
            **os.environ,
            "SDCAM_SERVICE__SOCKET": str(folder / f"{seconds}.sock"),
            "SDCAM_MODEL__NAME": str(TINY),
            "SDCAM_MODEL__RENDER_SIZE": "64",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize(
    ("command", "longest", "usual"),
    [
        ("status", 0.3, 3),
        ("models", 1.0, 0),
        ("cameras", 1.0, 0),
        ("run --source test --output null", 1.0, 0),
    ],
)
def test_ctrl_c_at_random_moments_prints_no_traceback(command, longest, usual, tmp_path):
    moments = [random.Random(command).uniform(0.02, longest) for _ in range(12)]
    with ThreadPoolExecutor(3) as several:
        ended = list(
            several.map(lambda each: interrupted_after(each, command.split(), tmp_path), moments)
        )
    for code, err in ended:
        if "Traceback" in err:  # the interpreter's own, before the first line of sdcam
            assert "/sdcam/" not in err and "KeyboardInterrupt" in err, err
        else:
            assert code in (usual, *INTERRUPTED), err


def test_ctrl_c_ends_a_command_by_the_signal(tmp_path):
    """A shell that sees it stops its script, too."""
    words = ["-c", "import sdcam.cli.program as p; p.run_command = lambda words: input(); "
             "from sdcam.cli import main; print('ready', flush=True); main()"]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (-signal.SIGINT, "")


WORK = """
import sys, time
import sdcam.cli.program
from sdcam.cli import main, terminal
def work(words):
    with terminal.interruptible("The pull was interrupted.", "Run it again."):
        try:
            print("ready", flush=True)
            time.sleep(60)
        finally:
            print("cleaned up", flush=True)
sdcam.cli.program._run = work
sys.exit(main())
"""


def test_what_was_begun_is_cleaned_up_and_told():
    with subprocess.Popen(
        [sys.executable, "-c", WORK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, "cleaned up\n")
    assert err == "sdcam: The pull was interrupted. Run it again.\n"


def test_an_ignored_ctrl_c_stays_ignored():
    """As under nohup, or in the background of a script."""
    script = f"trap '' INT; exec {sys.executable} -c '{WORK}'"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.kill()


def test_without_a_sentence_the_interruption_itself_goes_on():
    with pytest.raises(KeyboardInterrupt), interruptible():
        raise KeyboardInterrupt
    with pytest.raises(InterruptionError), interruptible("It was interrupted."):
        raise KeyboardInterrupt


EDITOR = """
import os, signal, sys, time
signal.signal(signal.SIGINT, lambda number, frame: print("editor: interrupted", flush=True))
print("ready", flush=True)
time.sleep(1)
"""


def test_ctrl_c_in_the_editor_is_the_editors_own(tmp_path):
    """A terminal sends it to both."""
    editor = tmp_path / "editor.py"
    editor.write_text(EDITOR)
    environment = {**os.environ, "VISUAL": f"{sys.executable} {editor}"}
    with subprocess.Popen(
        [sys.executable, "-m", "sdcam", "config", "edit", "--config", str(tmp_path / "c.toml")],
        env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out.startswith("editor: interrupted\nOK: ")
