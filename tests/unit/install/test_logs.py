"""The log files, as `sdcam service logs` shows them."""

from __future__ import annotations

import threading

from sdcam.install.logs import follow, last_lines, remove_logs
from sdcam.paths import log_folder


def test_last_lines_include_rotated_files(tmp_path):
    log = tmp_path / "sdcam.log"
    log.write_text("five\nsix\n")
    log.with_name("sdcam.log.1").write_text("three\nfour\n")
    log.with_name("sdcam.log.2").write_text("one\ntwo\n")
    log.with_name("sdcam.log.bak").write_text("no\n")
    assert last_lines(log, 5) == ["two", "three", "four", "five", "six"]
    assert last_lines(log, 1) == ["six"]


def test_missing_log_has_no_lines(tmp_path):
    assert last_lines(tmp_path / "sdcam.log", 5) == []


def test_follow_continues_after_rotation(tmp_path, monkeypatch):
    monkeypatch.setattr("sdcam.install.logs._POLL_SECONDS", 0.01)
    log = tmp_path / "sdcam.log"
    log.write_text("before\n")
    lines = follow(log)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(next(lines) for _ in range(2)))
    opened = threading.Event()
    real = type(log).open
    monkeypatch.setattr(
        type(log), "open", lambda *a, **k: (opened.set() if a[0] == log else None, real(*a, **k))[1]
    )
    reader.start()
    assert opened.wait(5)
    threading.Event().wait(0.1)  # it has reached the end of the file
    with real(log, "a") as file:
        file.write("one\n")
    reader.join(0.2)
    log.rename(log.with_name("sdcam.log.1"))
    log.write_text("two\n")
    reader.join(5)
    assert seen == ["one", "two"]
    lines.close()


def test_logs_are_removed_with_their_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = log_folder()
    folder.mkdir(parents=True)
    (folder / "sdcam.log").touch()
    assert remove_logs() == folder
    assert not folder.exists()
    assert remove_logs() is None
