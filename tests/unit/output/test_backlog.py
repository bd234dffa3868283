"""Frames that nobody takes are noticed by the memory that they fill."""

from __future__ import annotations

import sys

import pytest

from sdcam.output.backlog import WINDOW, Backlog, own_footprint

FRAME = 1280 * 720 * 2


def looks(*footprints):
    told = iter(footprints)
    backlog = Backlog(FRAME, lambda: next(told))
    return [backlog.grows() for _ in footprints[1:]]


def test_memory_that_grows_with_every_frame_is_noticed_at_the_second_look():
    pile = WINDOW * FRAME
    assert looks(0, pile, 2 * pile) == [False, True]


@pytest.mark.parametrize(
    "footprints",
    [
        (0, 0, 0, 0),
        (0, 3 * WINDOW * FRAME, 3 * WINDOW * FRAME, 3 * WINDOW * FRAME),  # a model, once
        (0, WINDOW * FRAME, WINDOW * FRAME, 2 * WINDOW * FRAME),
        (0, WINDOW * FRAME // 2, WINDOW * FRAME, 3 * WINDOW * FRAME // 2),  # slower than frames
        (9 * WINDOW * FRAME, 5 * WINDOW * FRAME, 0, 0),
        (None, None, None),
        (0, None, 2 * WINDOW * FRAME, 3 * WINDOW * FRAME),
    ],
)
def test_any_other_memory_is_not(footprints):
    assert not any(looks(*footprints))


def test_elsewhere_it_is_not_known():
    if sys.platform != "darwin":
        assert own_footprint() is None
    else:
        assert (own_footprint() or 0) > 10**6
