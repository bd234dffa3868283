"""What signals do to a service: real processes, real signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import os, sys, time
from sdcam.service.stop_signals import stop_signals
def stop(number):
    print("stop", number, flush=True)
def force():
    os.write(1, b"forced\\n")
    os._exit(7)
with stop_signals(stop, force):
    print("ready", flush=True)
    {body}
print("end", flush=True)
"""
SLEEP = "time.sleep({0})"
# A call that no signal interrupts (a mutex that this thread holds): Python handlers never run.
STUCK = (
    "import ctypes; lock = ctypes.create_string_buffer(128); libc = ctypes.CDLL(None); "
    "libc.pthread_mutex_lock(lock), libc.pthread_mutex_lock(lock)"
)


@pytest.fixture
def program():
    started = []

    def start(body, ignore=()):
        def before():
            for number in ignore:
                signal.signal(number, signal.SIG_IGN)
            for number in {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} - set(ignore):
                signal.signal(number, signal.SIG_DFL)

        script = PROGRAM.format(body=body)
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=before,  # noqa: PLW1509
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_sets_a_flag(program, number):
    process = program(SLEEP.format(0.5))
    process.send_signal(number)
    assert process.stdout.read() == f"stop {number.value}\nend\n"
    assert process.wait(10) == 0


@pytest.mark.parametrize("body", [SLEEP, STUCK], ids=["sleeps", "stuck"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_forces_the_end_within_a_second(program, number, body):
    process = program(body.format(20))
    process.send_signal(number)
    time.sleep(0.5)
    process.send_signal(number)
    begun = time.monotonic()
    assert process.wait(10) == 7
    assert time.monotonic() - begun < 1
    assert "forced" in process.stdout.read()


def test_a_signal_that_arrives_twice_at_once_is_one(program):
    """timeout(1) signals its child and then the group."""
    process = program(SLEEP.format(0.5))
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_a_closed_terminal_never_forces(program):
    process = program(SLEEP.format(1.0))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    process.send_signal(signal.SIGHUP)
    assert process.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_ignored_signal_stays_ignored(program, number):
    """nohup, or a job in the background of a shell."""
    process = program(SLEEP.format(0.5), ignore=[number])
    process.send_signal(number)
    assert process.stdout.read() == "end\n"
    assert process.wait(10) == 0
