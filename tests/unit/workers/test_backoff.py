from __future__ import annotations

import time

import pytest

from sdcam.errors import MissingError, SdcamError
from sdcam.workers.worker import Backoff

CRASH, MISSING = SdcamError("It crashed."), MissingError("There is none.", "Get one.")


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)


def pauses(backoff, fault, times):
    for _ in range(times):
        backoff.failed(fault)
        yield round(backoff.seconds_left, 3)


def test_pauses_double_up_to_two_seconds_and_end_with_a_success(clock):
    backoff = Backoff()
    assert list(pauses(backoff, CRASH, 7)) == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    backoff.works()
    assert list(pauses(backoff, CRASH, 2)) == [0.1, 0.2]


def test_what_never_works_is_tried_seldom(clock):
    assert list(pauses(Backoff(), CRASH, 14))[-2:] == [15.0, 15.0]


def test_what_the_user_has_to_mend_is_looked_at_every_two_seconds(clock):
    assert set(pauses(Backoff(), MISSING, 30)) == {2.0}


def test_a_rest_after_a_sleep_outlasts_a_frame_that_was_on_its_way(clock):
    backoff = Backoff()
    backoff.rest(2.0)
    backoff.works()
    assert backoff.seconds_left == 2.0
    backoff.forget()  # another camera was chosen: nothing to wait for
    assert backoff.seconds_left == 0.0
