"""Who does not answer: one that stands still, one that goes round in circles, or one that would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from sdcam.workers.starvation import Starvation

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(
        sys.platform != "linux", reason="only Linux tells who waits for a processor"
    ),
]
SECONDS = 0.3


@pytest.fixture
def program():
    programs = []

    def start(text):
        programs.append(
            subprocess.Popen([sys.executable, "-c", f"print(1, flush=True); {text}"], stdout=-1)
        )
        programs[-1].stdout.readline()
        return programs[-1].pid

    yield start
    for each in programs:  # all, before any is waited for: one may need another's processor
        each.kill()
    for each in programs:
        each.communicate()


def cpu_seconds(pid):
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def looks(pid, times=2):
    starvation, seen = Starvation(), []
    for _ in range(times):
        seen.append(starvation.lasts(pid, SECONDS))
        time.sleep(SECONDS)
    return seen


def test_a_process_that_waits_for_something_is_not_starved(program):
    pid = program("import time; time.sleep(60)")
    time.sleep(0.1)
    assert looks(pid) == [False, False]


def test_a_process_that_is_stopped_is_not_starved(program):
    pid = program("exec('while True: pass')")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.1)
    assert looks(pid) == [False, False]


def test_a_process_that_goes_round_in_circles_is_not_starved_for_long(program):
    pid = program("exec('while True: pass')")
    starvation = Starvation()
    assert starvation.lasts(pid, SECONDS)  # it would run: nobody knows yet whether it is let
    before = cpu_seconds(pid)
    while cpu_seconds(pid) - before < SECONDS:  # on a busy machine that takes longer
        time.sleep(0.05)
    assert not starvation.lasts(pid, SECONDS)


def test_a_process_without_a_processor_is_starved(program):
    pid = program("exec('while True: pass')")
    processor = {min(os.sched_getaffinity(0))}
    os.sched_setaffinity(pid, processor)
    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    for _ in range(3):
        os.sched_setaffinity(program("exec('while True: pass')"), processor)
    time.sleep(0.2)
    assert looks(pid, 4) == [True, True, True, True]


def test_a_process_that_is_gone_is_not_starved():
    assert not Starvation().lasts(2**22 + 1, SECONDS)
