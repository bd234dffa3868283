"""The mark that keeps a pause over restarts."""

from __future__ import annotations

import pytest

from sdcam import paths
from sdcam.service.pause import PauseMark


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "state_folder", lambda: tmp_path / "state")
    return tmp_path / "state"


def test_a_pause_stays_until_it_is_removed(state, tmp_path):
    mark = PauseMark(tmp_path / "control.sock")
    assert not mark.found
    mark.set()
    mark.set()
    assert PauseMark(tmp_path / "control.sock").found  # the next service, or after a reboot
    mark.remove()
    mark.remove()
    assert not PauseMark(tmp_path / "control.sock").found


def test_services_with_other_sockets_have_pauses_of_their_own(state, tmp_path):
    PauseMark(tmp_path / "one.sock").set()
    assert not PauseMark(tmp_path / "other.sock").found


def test_a_mark_that_cannot_be_written_is_a_line_in_the_log(state, tmp_path, caplog):
    state.write_text("")  # in the folder's place
    PauseMark(tmp_path / "control.sock").set()
    assert "The pause would not survive a restart" in caplog.text
