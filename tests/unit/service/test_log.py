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


def test_a_file_that_is_deleted_is_begun_anew(log):
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
def test_a_file_that_launchd_only_ever_adds_to_is_begun_anew_once_it_is_large(
    tmp_path, monkeypatch, size, left
):
    path = tmp_path / "launchd.log"
    path.write_bytes(b"x" * size)
    with path.open("a") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        module.begin_stderr_anew()
        stderr.write("new")
    assert path.read_bytes() == b"x" * left + b"new"


def test_a_folder_that_is_deleted_is_made_anew(log):
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
