"""The mark that a pause leaves for the service after this one."""

from __future__ import annotations

import pytest

from sdcam.errors import SdcamError
from sdcam.service.pause import PauseMark


@pytest.fixture
def socket(tmp_path):
    return tmp_path / "control.sock"


def test_a_pause_is_found_by_the_next_service_and_an_orderly_end_takes_it_away(socket):
    PauseMark(socket).put()
    with PauseMark(socket) as mark:
        assert mark.found
    assert not PauseMark(socket).found


def test_an_end_with_a_fault_keeps_the_pause(socket):
    """A service begins anew after a fault, in the same process."""
    with pytest.raises(SdcamError), PauseMark(socket) as mark:
        mark.put()
        raise SdcamError("staged")
    assert PauseMark(socket).found


def test_a_resume_takes_it_away(socket):
    mark = PauseMark(socket)
    mark.put()
    mark.put()
    mark.take_away()
    mark.take_away()
    assert not mark.found


def test_a_mark_that_cannot_be_put_is_a_line_in_the_log(tmp_path, caplog):
    PauseMark(tmp_path / "nowhere" / "control.sock").put()
    assert "The pause would not outlive a crash" in caplog.text
