"""Colour bars through the virtual camera: which pictures count as right.

The colours that go wrong are computed, by the formulas of the mistakes that are known.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from verify_mac.bars import COLOURS, HEIGHT, WIDTH, bars_of, bars_picture, judge_bars
from verify_mac.mac import Done
from verify_mac.step import Verdict
from verify_mac.virtual_camera import judge_picture

from sdcam.compositor import Compositor
from sdcam.settings import Fit

PASS, FAIL = Verdict.PASS, Verdict.FAIL


def picture(order=(0, 1, 2)):
    """The bars as RGB bytes of 1280x720 pixels; `order` of the channels."""
    row = b"".join(
        bytes(rgb[channel] for channel in order) * (WIDTH // len(COLOURS))
        for rgb in COLOURS.values()
    )
    return row * HEIGHT


def bars_as(change):
    return [change(*rgb) for rgb in COLOURS.values()]


def limited_for_full(*rgb):
    return tuple(16 + part * 219 / 255 for part in rgb)


def bt601_read_as_bt709(red, green, blue):
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = (blue - luma) / 1.772, (red - luma) / 1.402
    rgb = (luma + 1.5748 * cr, luma - 0.1873 * cb - 0.4681 * cr, luma + 1.8556 * cb)
    return tuple(min(255.0, max(0.0, part)) for part in rgb)


@pytest.mark.parametrize(
    ("change", "right"),
    [
        (lambda r, g, b: (r, g, b), True),
        (lambda r, g, b: (r * 0.98, g * 0.98, b * 0.98 + 3), True),
        (bt601_read_as_bt709, True),
        (lambda r, g, b: (b, g, r), False),
        (lambda r, g, b: (g, r, b), False),
        (limited_for_full, False),
        (lambda r, g, b: (r, r, r), False),
        (lambda r, g, b: (0, 0, 0), False),
        (lambda r, g, b: (255 - r, 255 - g, 255 - b), False),
    ],
)
def test_bars_pass_codec_and_matrix_and_nothing_worse(change, right):
    assert judge_bars(bars_as(change))[0] is right


def test_mirrored_bars_fail():
    right, sentence = judge_bars(bars_as(lambda *rgb: rgb)[::-1])
    assert not right
    assert " came as (" in sentence


def test_bars_are_found_in_a_picture():
    assert bars_of(picture(), WIDTH, HEIGHT) == [
        tuple(map(float, colour)) for colour in COLOURS.values()
    ]


@pytest.mark.parametrize(("order", "verdict"), [((0, 1, 2), PASS), ((2, 1, 0), FAIL)])
def test_picture_is_judged_by_its_bars(tmp_path, order, verdict):
    path = tmp_path / "picture.rgb"
    path.write_bytes(picture(order))
    assert judge_picture(path, Done(0)).verdict is verdict


def test_short_or_missing_picture_fails(tmp_path):
    path = tmp_path / "picture.rgb"
    assert judge_picture(path, Done(0)).verdict is FAIL
    path.write_bytes(picture()[:-100])
    assert judge_picture(path, Done(0)).verdict is FAIL


def test_sent_bars_survive_uyvy():
    """The sender's picture through sdcam's own conversion to UYVY and back."""
    sent = Compositor(WIDTH, HEIGHT, "UYVY").compose(bars_picture(), None, Fit.CROP, 0, False)
    shown = np.ascontiguousarray(cv2.cvtColor(sent, cv2.COLOR_YUV2RGB_UYVY))
    assert judge_bars(bars_of(shown.tobytes(), WIDTH, HEIGHT))[0]
