"""Where a picture lies in a frame of another shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdcam.compositor.geometry import Rect, covering_cut, inside

sizes = st.integers(64, 1100)
even_sizes = st.integers(32, 960).map(lambda half: 2 * half)


def test_a_square_picture_keeps_its_middle_in_a_wide_frame():
    assert covering_cut(512, 512, 1280, 720) == Rect(0, 112, 512, 288)


def test_a_wide_picture_keeps_its_middle_in_a_square_frame():
    assert covering_cut(768, 448, 512, 512) == Rect(160, 0, 448, 448)


def test_a_square_picture_stands_between_two_equal_bars():
    assert inside(512, 512, 1280, 720) == Rect(280, 0, 720, 720)


def test_a_picture_of_the_frames_own_shape_fills_it_whatever_the_fit():
    assert covering_cut(640, 360, 1280, 720) == Rect(0, 0, 640, 360)
    assert inside(640, 360, 1280, 720) == Rect(0, 0, 1280, 720)


@given(sizes, sizes, even_sizes, even_sizes)
def test_what_is_cut_has_the_frames_shape_to_a_pixel(width, height, out_width, out_height):
    cut = covering_cut(width, height, out_width, out_height)
    assert cut.width == width or cut.height == height
    if cut.width == width:
        assert abs(cut.height - min(height, max(1, width * out_height / out_width))) <= 0.5
    else:
        assert abs(cut.width - max(1, height * out_width / out_height)) <= 0.5


@given(sizes, sizes, even_sizes, even_sizes)
def test_what_is_cut_lies_inside_the_picture_and_in_its_middle(
    width, height, out_width, out_height
):
    cut = covering_cut(width, height, out_width, out_height)
    assert 0 <= cut.x <= width - cut.width
    assert 0 <= cut.y <= height - cut.height
    assert abs((width - cut.width) - 2 * cut.x) <= 1
    assert abs((height - cut.height) - 2 * cut.y) <= 1


@given(sizes, sizes, even_sizes, even_sizes)
def test_a_whole_picture_keeps_its_shape_to_a_pixel(width, height, out_width, out_height):
    place = inside(width, height, out_width, out_height)
    scale = min(out_width / width, out_height / height)
    assert place.width == out_width or place.height == out_height
    assert abs(place.width - max(2, width * scale)) <= 1
    assert abs(place.height - max(2, height * scale)) <= 1


@given(sizes, sizes, even_sizes, even_sizes)
def test_a_whole_picture_has_even_edges_inside_the_frame(width, height, out_width, out_height):
    place = inside(width, height, out_width, out_height)
    assert all(edge % 2 == 0 for edge in (place.x, place.y, place.width, place.height))
    assert 0 <= place.x <= out_width - place.width
    assert 0 <= place.y <= out_height - place.height
    assert abs((out_width - place.width) - 2 * place.x) <= 2


@pytest.mark.parametrize("size", [(64, 1024), (1024, 64)])
def test_extreme_shapes_still_have_a_place(size):
    assert min(covering_cut(*size, 1280, 720).width, inside(*size, 1280, 720).height) > 0


def test_a_rectangle_gives_a_view_and_not_a_copy():
    picture = np.zeros((10, 20, 3), np.uint8)
    Rect(4, 2, 6, 5).of(picture)[:] = 9
    assert picture[2:7, 4:10].min() == 9
    assert picture.sum() == 6 * 5 * 3 * 9
