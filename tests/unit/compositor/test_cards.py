"""Cards say what is going on, in letters that everybody can read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sdcam.compositor import Card, Compositor, draw_card, lettering
from sdcam.compositor.lettering import Lettering, printable
from sdcam.output.sink import frame_shape

SIZES = [(1280, 720), (640, 360), (1920, 1080), (64, 64), (480, 640)]
PAUSED = Card("Paused", "sdcam resume brings the picture back.", "paused")


@pytest.fixture(params=["truetype", "stroked"])
def letters(request, monkeypatch):
    """Both kinds of letters, whatever OpenCV is installed; TrueType only where there is any."""
    if request.param == "stroked":
        monkeypatch.setattr(lettering, "_TRUETYPE", None)
    lettering._has_glyph.cache_clear()
    draw_card.cache_clear()
    yield request.param
    lettering._has_glyph.cache_clear()
    draw_card.cache_clear()


def ink(frame, rows):
    """The columns with bright letters within a share of the rows of a BGR frame."""
    height = frame.shape[0]
    band = frame[round(rows[0] * height) : round(rows[1] * height)].max(axis=2)
    return np.flatnonzero((band > 150).any(axis=0))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pixel_format", ["BGR", "I420", "UYVY"])
def test_a_card_is_a_frame_of_the_sink(size, pixel_format):
    assert draw_card(PAUSED, *size, pixel_format).shape == frame_shape(pixel_format, *size)


@pytest.mark.parametrize("size", SIZES[:3])
def test_title_and_detail_stand_in_the_middle_and_nothing_touches_the_edge(size, letters):
    detail = "Plug a camera in, or choose another one; sdcam cameras lists them. " * 3
    frame = draw_card(Card("No camera", detail, "fault"), *size, "BGR")
    for rows in ((0.42, 0.55), (0.56, 0.8)):
        columns = ink(frame, rows)
        assert abs((columns[0] + columns[-1]) / 2 - size[0] / 2) < 0.03 * size[0]
        assert columns[0] > 0.05 * size[0]
    assert ink(frame, (0.84, 0.89)).size == 0  # three lines of detail end above the brand


def test_a_title_that_is_too_long_is_made_smaller(letters):
    frame = draw_card(Card("The camera was unplugged and has not come back yet"), 1280, 720, "BGR")
    columns = ink(frame, (0.42, 0.55))
    assert 64 < columns[0] < columns[-1] < 1280 - 64


def test_tones_differ_in_more_than_the_words():
    cards = [
        draw_card(Card("Title", "", tone), 640, 360, "BGR") for tone in ("info", "paused", "fault")
    ]
    signs = [card[70:146, 280:360].mean(axis=(0, 1)) for card in cards]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(signs[one] - signs[other]).max() > 5


def test_a_card_is_dark():
    assert draw_card(PAUSED, 1280, 720, "BGR").mean() < 40


def test_card_is_cached_and_read_only():
    card = draw_card(PAUSED, 640, 360, "I420")
    assert draw_card(Card(PAUSED.title, PAUSED.detail, PAUSED.tone), 640, 360, "I420") is card
    assert Compositor(640, 360, "I420").card(PAUSED) is card
    assert not card.flags.writeable


@pytest.mark.parametrize(
    "text", ["Größe Éé", "“Caméra” – zoë’s", "摄像头", "camera 😀 हिन्दी", "a\x1b[0mb"]
)
def test_no_letter_becomes_a_question_mark(text, letters):
    shown = printable(text)
    drawn = [lettering._has_glyph(letter) for letter in shown]
    assert all(drawn)
    assert "?" not in shown
    assert shown


def test_stroked_letters_lose_their_accents_and_what_is_left_becomes_an_ellipsis(monkeypatch):
    monkeypatch.setattr(lettering, "_TRUETYPE", None)
    lettering._has_glyph.cache_clear()
    assert printable("Größe “é” 摄像头!") == 'Grosse "e" ...!'
    lettering._has_glyph.cache_clear()


def test_question_marks_of_the_text_itself_stay(letters):
    assert printable("Is it plugged in?") == "Is it plugged in?"


def test_lines_break_between_words_and_fit(letters):
    text = "Open System Settings and allow the camera for StreamDiffusion Cam"
    lettering_ = Lettering(24)
    lines = lettering_.wrap(text, 300, lines=5)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(lettering_.width(line) <= 300 for line in lines)


def test_what_does_not_fit_ends_in_an_ellipsis(letters):
    lines = Lettering(24).wrap("word " * 100, 300, lines=2)
    assert len(lines) == 2
    assert lines[1].endswith(("…", "..."))
    assert Lettering(24).width(lines[1]) <= 300


def test_a_path_without_blanks_is_broken_where_it_has_to_be(letters):
    path = "/dev/" + "x" * 100
    lines = Lettering(24).wrap(path, 300, lines=9)
    assert "".join(lines) == path
    assert all(Lettering(24).width(line) <= 300 for line in lines)


def test_a_picture_of_every_card_can_be_read_back():
    bgr = draw_card(PAUSED, 1280, 720, "BGR")
    i420 = cv2.cvtColor(draw_card(PAUSED, 1280, 720, "I420"), cv2.COLOR_YUV2BGR_I420)
    assert np.abs(bgr.astype(int) - i420).mean() < 2
