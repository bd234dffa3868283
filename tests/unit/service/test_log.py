"""The service's log, while others move its file."""

from __future__ import annotations

import logging
import shutil

import pytest

from sdcam.service import log as module
from sdcam.settings.schema import ServiceSettings


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The log of a service that writes to `tmp_path`; stderr stays ours."""
    monkeypatch.setattr(module, "_remember_crashes", lambda path, most_bytes: None)
    ours = logging.getLogger("sdcam")
    before = ours.handlers[:], ours.level, ours.propagate, logging.raiseExceptions
    path = tmp_path / "log" / "sdcam.log"
    module.start_service_log(ServiceSettings(log_file=str(path)))
    yield path
    ours.handlers[0].close()
    ours.handlers[:], ours.level, ours.propagate, logging.raiseExceptions = before


def say(words):
    logging.getLogger("sdcam.service").warning(words)


def said(path):
    return [line.rpartition(": ")[2] for line in path.read_text().splitlines()]


def test_a_deleted_log_is_created_again(log):
    say("one")
    log.unlink()
    say("two")
    say("three")
    assert said(log) == ["two", "three"]


def test_a_file_that_logrotate_moves_is_left_to_it(log):
    say("one")
    log.rename(log.with_name("sdcam.log-20260101"))
    log.touch(mode=0o600)  # logrotate's "create"
    say("two")
    assert said(log) == ["two"]
    assert said(log.with_name("sdcam.log-20260101")) == ["one"]


@pytest.mark.parametrize(("size", "left"), [(1_000_001, 0), (1000, 1000)])
def test_stderr_is_emptied_once_it_is_large(tmp_path, monkeypatch, size, left):
    path = tmp_path / "launchd.log"
    path.write_bytes(b"x" * size)
    with path.open("a") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        module.limit_stderr()
        stderr.write("new")
    assert path.read_bytes() == b"x" * left + b"new"


def test_a_deleted_folder_is_created_again(log):
    say("one")
    shutil.rmtree(log.parent)
    say("two")
    assert said(log) == ["two"]


def test_while_there_can_be_no_file_lines_are_lost_and_later_ones_are_not(log):
    shutil.rmtree(log.parent)
    log.parent.write_text("")  # in the folder's place
    say("one")
    log.parent.unlink()
    say("two")
    assert said(log) == ["two"]


def test_a_message_that_repeats_is_logged_once_a_minute_with_a_count(log, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for _ in range(36):  # a process that crashes again and again
        say("The model process was killed by SIGSEGV.")
        say("model: works again")
        now[0] += 1.0
    now[0] = 1060.0
    say("The model process was killed by SIGSEGV.")
    assert said(log) == [
        "The model process was killed by SIGSEGV.",
        "works again",
        "The model process was killed by SIGSEGV. (35 more times before)",
    ]


def test_what_the_user_asked_for_is_logged_every_time(log):
    for _ in range(3):
        logging.getLogger("sdcam.user").info("paused")
    assert said(log) == ["paused"] * 3
