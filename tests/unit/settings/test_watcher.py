"""Every way in which editors write a file is noticed, once, and soon."""

from __future__ import annotations

import queue
import statistics
import threading
import time

import pytest

from sdcam.settings import watcher
from sdcam.settings.watcher import ConfigWatcher

PATIENCE = 10.0


class Watched:
    """A file and what was read at each report of its watcher."""

    def __init__(self, path):
        self.path = path
        self.reports = queue.Queue()
        self.watcher = ConfigWatcher(path, self._report)
        self.watcher.start()

    def _report(self):
        self.reports.put(self.path.read_text() if self.path.exists() else None)

    def next(self):
        return self.reports.get(timeout=PATIENCE)

    def silent(self, seconds=0.6):
        try:
            return self.reports.get(timeout=seconds)
        except queue.Empty:
            return None


@pytest.fixture
def watched(tmp_path):
    path = tmp_path / "config" / "config.toml"
    path.parent.mkdir()
    path.write_text("old")
    watched = Watched(path)
    yield watched
    watched.watcher.stop()


def in_place(path):
    path.write_text("new")


def put_over(path):
    other = path.with_name("4913~")
    other.write_text("new")
    other.replace(path)


def backup_then_new(path):
    path.rename(path.with_name("config.toml~"))
    path.write_text("new")


def delete_then_create(path):
    path.unlink()
    time.sleep(0.2)
    path.write_text("new")


def truncate_then_write(path):
    with path.open("w") as file:
        file.flush()
        time.sleep(0.2)
        file.write("new")


def in_pieces(path):
    with path.open("w") as file:
        for letter in "new":
            file.write(letter)
            file.flush()
            time.sleep(0.01)


@pytest.mark.parametrize(
    "edit",
    [in_place, put_over, backup_then_new, delete_then_create, truncate_then_write, in_pieces],
)
def test_every_way_to_write_a_file_is_one_change(watched, edit):
    edit(watched.path)
    assert watched.next() == "new"
    assert watched.silent() is None


@pytest.mark.alone
def test_a_save_is_noticed_within_a_third_of_a_second(watched):
    """The median of seven, each at another moment between two looks of the watcher."""
    taken = []
    for number in range(7):
        time.sleep(0.037 * number)
        started = time.monotonic()
        watched.path.write_text(str(number) * (number + 1))
        watched.next()
        taken.append(time.monotonic() - started)
    assert statistics.median(taken) < 1 / 3


def test_it_wakes_up_four_times_a_second(watched, monkeypatch):
    looks = []
    stamp = watcher._stamp
    monkeypatch.setattr(watcher, "_stamp", lambda path: looks.append(path) or stamp(path))
    time.sleep(2.0)
    assert 2 <= len(looks) <= 9


def test_a_link_and_what_it_points_to(tmp_path):
    targets = [tmp_path / "one.toml", tmp_path / "two.toml"]
    for target in targets:
        target.write_text(target.stem)
    path = tmp_path / "config.toml"
    path.symlink_to(targets[0])
    watched = Watched(path)
    put_over(targets[0])
    assert watched.next() == "new"
    path.unlink()
    path.symlink_to(targets[1])
    assert watched.next() == "two"
    watched.watcher.stop()


def test_a_file_that_appears_later_and_goes(tmp_path):
    path = tmp_path / "not yet" / "config.toml"
    watched = Watched(path)
    path.parent.mkdir()
    path.write_text("here")
    assert watched.next() == "here"
    path.unlink()
    assert watched.next() is None
    watched.watcher.stop()


def test_a_callback_that_raises_does_not_end_the_watch(tmp_path, caplog):
    path = tmp_path / "config.toml"
    called = threading.Semaphore(0)

    def fail():
        called.release()
        raise ValueError("staged")

    watch = ConfigWatcher(path, fail)
    watch.start()
    for text in ("one", "three"):
        path.write_text(text)
        assert called.acquire(timeout=PATIENCE)
    watch.stop()
    watch.stop()
    assert "staged" in caplog.text


def test_watching_costs_less_than_a_hundredth_of_a_core(watched):
    before = time.process_time()
    time.sleep(2.0)
    assert time.process_time() - before < 0.02
