"""Styled pictures become frames."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest

from sdcam.compositor import Compositor
from sdcam.settings.schema import Fit

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
FORMATS = ("BGR", "I420", "UYVY")
BACK = {"I420": cv2.COLOR_YUV2RGB_I420, "UYVY": cv2.COLOR_YUV2RGB_UYVY, "BGR": cv2.COLOR_BGR2RGB}


def flat(colour, width=128, height=128):
    return np.full((height, width, 3), colour, np.uint8)


def quarters(width=128, height=128):
    """Red, green over blue, white."""
    picture = flat(RED, width, height)
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, : width // 2] = BLUE
    picture[height // 2 :, width // 2 :] = WHITE
    return picture


def composed(picture, fit=Fit.CROP, *, camera=None, blend=0.0, mirror=False, size=(320, 180)):
    """The frame as RGB."""
    frame = Compositor(*size, "BGR").compose(picture, camera, fit, blend, mirror)
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def close(pixels, colour, tolerance=3):
    return np.abs(pixels.astype(int) - np.array(colour)).max() <= tolerance


@pytest.mark.parametrize(
    ("pixel_format", "shape"),
    [("BGR", (180, 320, 3)), ("I420", (270, 320)), ("UYVY", (180, 320, 2))],
)
def test_a_frame_has_the_shape_of_its_pixel_format(pixel_format, shape):
    frame = Compositor(320, 180, pixel_format).compose(quarters(), None, Fit.CROP, 0.0, False)
    assert frame.shape == shape
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous


def test_an_unknown_pixel_format_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="BGR, I420, UYVY"):
        Compositor(320, 180, "NV12")


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("colour", [RED, GREEN, BLUE, WHITE, (0, 0, 0), (200, 120, 40)])
def test_colours_survive_every_pixel_format(pixel_format, colour):
    frame = Compositor(320, 180, pixel_format).compose(flat(colour), None, Fit.CROP, 0.0, False)
    assert close(cv2.cvtColor(frame, BACK[pixel_format]), colour)


def test_yuv_is_bt601_in_limited_range():
    def y_u_v(colour):
        frame = Compositor(64, 64, "I420").compose(flat(colour), None, Fit.CROP, 0.0, False)
        uyvy = Compositor(64, 64, "UYVY").compose(flat(colour), None, Fit.CROP, 0.0, False)
        assert [uyvy[0, 0, 1], uyvy[0, 0, 0], uyvy[0, 1, 0]] == [
            frame[0, 0],
            frame[64, 0],
            frame[80, 0],
        ]
        return [int(frame[0, 0]), int(frame[64, 0]), int(frame[80, 0])]

    assert y_u_v((0, 0, 0)) == [16, 128, 128]
    assert y_u_v(WHITE) == [235, 128, 128]
    assert y_u_v(RED) == [81, 90, 240]  # BT.709 would say Y 63, full range 76


def planes(frame, width=320, height=180):
    chroma = frame[height:].reshape(2, height // 2, width // 2)
    return frame[:height], chroma[0], chroma[1]


def test_chroma_is_averaged_not_sampled():
    """Columns of one pixel, red and blue: a sampled chroma would be that of the red ones."""
    picture = flat(RED, 320, 180)
    picture[:, 1::2] = BLUE
    for pixel_format in ("I420", "UYVY"):
        frame = Compositor(320, 180, pixel_format).compose(picture, None, Fit.CROP, 0.0, False)
        u = planes(frame)[1] if pixel_format == "I420" else frame[:, 0::2, 0]
        assert close(u, (90 + 240) / 2, tolerance=1), pixel_format


@pytest.mark.parametrize("edge", [160, 161])
def test_chroma_lies_in_the_middle_of_its_pixels(edge):
    picture = flat(RED, 320, 180)
    picture[:, edge:] = BLUE
    frame = Compositor(320, 180, "I420").compose(picture, None, Fit.CROP, 0.0, False)
    row = planes(frame)[1][40].astype(int)
    middle = {160: [90, 240], 161: [90, 165]}[edge]  # a pair of pixels that the edge cuts is mixed
    assert np.abs(row[79:81] - middle).max() <= 1
    assert np.abs(row[:79] - 90).max() <= 1 and np.abs(row[81:] - 240).max() <= 1


@pytest.mark.parametrize("size", [(448, 252), (512, 288), (640, 360), (256, 144)])
def test_a_frame_is_within_one_grey_level_of_the_exact_one(size):
    """Scaled and converted in floating point. The picture is soft: no cubic overshoot is cut."""
    small = np.random.default_rng(3).integers(60, 190, (9, 16, 3), np.uint8)
    picture = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    frame = Compositor(640, 360, "I420").compose(picture, None, Fit.CROP, 0.0, False)
    exact = cv2.resize(picture.astype(np.float32), (640, 360), interpolation=cv2.INTER_CUBIC)
    weights = np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
    )
    yuv = exact @ (weights.T / 255) + (16, 128, 128)
    halved = yuv.reshape(180, 2, 320, 2, 3).mean((1, 3))
    y, u, v = planes(frame, 640, 360)
    assert np.abs(y - yuv[..., 0]).max() <= 1.5
    assert np.abs(u - halved[..., 1]).max() <= 1.5
    assert np.abs(v - halved[..., 2]).max() <= 1.5


def test_crop_fills_the_frame_and_cuts_what_hangs_over():
    picture = flat(GREEN)
    picture[:20] = picture[-20:] = RED  # outside the 128x72 that a 16:9 frame keeps
    assert close(composed(picture, Fit.CROP), GREEN)


def test_pad_shows_all_of_the_picture_between_black_bars():
    frame = composed(flat(GREEN), Fit.PAD)
    assert close(frame[:, 70:250], GREEN)
    assert close(frame[:, :70], (0, 0, 0))
    assert close(frame[:, 250:], (0, 0, 0))


def test_the_bars_stay_sharp_in_chroma():
    frame = Compositor(320, 180, "I420").compose(flat(RED), None, Fit.PAD, 0.0, False)
    rgb = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420)
    assert close(rgb[:, 69], (0, 0, 0))
    assert close(rgb[:, 70], RED)


def test_blur_shows_all_of_the_picture_over_a_darker_softer_copy():
    picture = flat(GREEN)
    picture[::2] = RED  # stripes: the backdrop must not have any
    frame = composed(picture, Fit.BLUR)
    backdrop, middle = frame[40:140, 5:60], frame[:, 70:250]
    assert np.ptp(backdrop[..., 0]) < 40 < np.ptp(middle[..., 0])
    assert 20 < backdrop.mean() < 0.8 * middle.mean()


def test_bars_are_black_again_after_another_fit():
    compositor = Compositor(320, 180, "BGR")
    for fit in (Fit.CROP, Fit.BLUR):
        compositor.compose(flat(WHITE), None, fit, 0.0, False)
        frame = compositor.compose(flat(WHITE), None, Fit.PAD, 0.0, False)
        assert frame[:, :70].max() == 0


def test_bars_are_black_again_after_a_model_with_another_shape():
    compositor = Compositor(320, 180, "BGR")
    compositor.compose(flat(WHITE, 192, 128), None, Fit.PAD, 0.0, False)
    frame = compositor.compose(flat(WHITE, 128, 128), None, Fit.PAD, 0.0, False)
    assert frame[:, :70].max() == 0
    assert frame[:, 70:250].min() == 255


@pytest.mark.parametrize("fit", list(Fit))
def test_a_wide_picture_of_the_outputs_shape_fills_it(fit):
    assert close(composed(flat(GREEN, 320, 180), fit), GREEN)


def test_a_picture_larger_than_the_frame_does_not_alias():
    checks = np.indices((720, 1280)).sum(axis=0) % 2 * 255
    frame = composed(np.repeat(checks[..., None], 3, axis=2).astype(np.uint8))
    assert close(frame, (128, 128, 128), tolerance=2)


@pytest.mark.parametrize("fit", list(Fit))
def test_mirror_exchanges_left_and_right(fit):
    straight, mirrored = (composed(quarters(), fit, mirror=mirror) for mirror in (False, True))
    assert np.abs(straight[:, ::-1].astype(int) - mirrored).max() <= 2
    assert close(mirrored[20, 240], RED)
    assert close(mirrored[20, 80], GREEN)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_blend_mixes_the_camera_in_by_its_share(share):
    frame = composed(flat((200, 0, 0)), camera=flat((0, 100, 0)), blend=share)
    assert close(frame, (200 * (1 - share), 100 * share, 0), tolerance=1)


def test_camera_is_ignored_without_blend():
    camera = flat(WHITE)
    assert np.array_equal(composed(quarters(), camera=camera), composed(quarters(), camera=None))


def test_blending_without_a_camera_picture_is_refused():
    for camera in (None, flat(WHITE, 64, 64)):
        with pytest.raises(ValueError, match="camera picture"):
            composed(quarters(), camera=camera, blend=0.5)


def test_the_pictures_given_are_not_written_to():
    styled, camera = quarters(), flat(WHITE)
    composed(styled, Fit.BLUR, camera=camera, blend=0.5, mirror=True)
    assert np.array_equal(styled, quarters())
    assert np.array_equal(camera, flat(WHITE))


def test_the_frame_being_sent_is_not_overwritten_by_the_next_one():
    compositor = Compositor(320, 180, "I420")
    first = compositor.compose(flat(RED), None, Fit.CROP, 0.0, False)
    kept = first.copy()
    second = compositor.compose(flat(GREEN), None, Fit.CROP, 0.0, False)
    assert not np.shares_memory(first, second)
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("fit", list(Fit))
def test_the_steady_state_allocates_nothing_frame_sized(pixel_format, fit):
    compositor = Compositor(640, 360, pixel_format)
    styled, camera = quarters(256, 256), quarters(256, 256)

    def peak(work):
        work()  # the first frame may allocate
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5):
            work()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most - before

    assert (
        peak(lambda: compositor.compose(styled, camera, fit, 0.3, True)) < 16_384
    )  # a plane of chroma is 230 kB
    # The measure sees what OpenCV allocates for a result: without a buffer it is a whole picture.
    assert peak(lambda: cv2.flip(styled, 1)) >= styled.nbytes
