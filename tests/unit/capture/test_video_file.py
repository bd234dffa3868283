"""Video files play like live cameras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stepped_clock import SteppedClock

from sdcam import resources
from sdcam.capture import Source, open_source
from sdcam.capture.files import VideoFile
from sdcam.capture.source import plausible_fps
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.settings.schema import CameraSettings

MakeVideo = Callable[..., Path]


def greys(source: Source, most: int) -> list[int]:
    """The numbers of the frames that come, by their grey value."""
    out = np.empty((source.info.height, source.info.width, 3), np.uint8)
    numbers = []
    for _ in range(most):
        if source.read(out) is None:
            break
        numbers.append(round(out.mean() / 10))
    return numbers


def test_once_plays_every_frame_and_ends(make_video: MakeVideo) -> None:
    video = open_source(f"file:{make_video(frames=6)}", CameraSettings(), once=True)
    assert greys(video, 20) == [0, 1, 2, 3, 4, 5]
    assert greys(video, 1) == []  # the end stays the end


def test_a_file_starts_over_at_its_end(make_video: MakeVideo) -> None:
    video = open_source(f"file:{make_video(frames=4)}", CameraSettings())
    assert greys(video, 9) == [0, 1, 2, 3, 0, 1, 2, 3, 0]


def test_a_late_reader_misses_frames_instead_of_lagging(
    make_video: MakeVideo, clock: SteppedClock
) -> None:
    video = VideoFile(make_video(frames=25, fps=25), once=True)
    assert greys(video, 1) == [0]
    clock.now += 420_000_000  # ten frames and a half
    assert greys(video, 3) == [10, 11, 12]


def test_skipped_frames_may_lie_beyond_the_end(make_video: MakeVideo, clock: SteppedClock) -> None:
    path = make_video(frames=5, fps=25)
    round_and_round, once = VideoFile(path), VideoFile(path, once=True)
    assert greys(round_and_round, 1) == greys(once, 1) == [0]
    clock.now += 300_000_000
    assert greys(round_and_round, 1) == [7 % 5]
    assert greys(once, 1) == []


def test_video_resumes_where_it_was_after_a_long_stop(
    make_video: MakeVideo, clock: SteppedClock
) -> None:
    video = VideoFile(make_video(frames=25, fps=25), once=True)
    assert greys(video, 1) == [0]
    clock.now += 3_600_000_000_000
    assert greys(video, 2) == [1, 2]


def test_large_frames_are_scaled_to_fit_1920x1080(
    make_video: MakeVideo, tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    for size, fits in [("2560:1440", (1920, 1080)), ("1080:1920", (606, 1080))]:
        large = tmp_path / "large.mp4"
        ffmpeg("-i", make_video(frames=2), "-vf", f"scale={size}", "-c:v", "libx264", large)
        video = VideoFile(large)
        assert (video.info.width, video.info.height) == fits
        assert greys(video, 2) == [0, 1]
        video.close()


def test_a_video_filmed_upright_is_shown_upright(
    tmp_path: Path, ffmpeg: Callable[..., None]
) -> None:
    """As a player shows it: what ffmpeg itself makes of the metadata is the reference."""
    flat, upright, turned = tmp_path / "flat.avi", tmp_path / "up.avi", tmp_path / "turned.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=0.2", "-c:v", "mpeg4", flat)
    for degrees in ("90", "180", "270"):
        ffmpeg("-display_rotation", degrees, "-i", flat, "-c", "copy", turned)
        ffmpeg("-i", turned, "-c:v", "ffv1", upright)
        expected, shown = VideoFile(upright), VideoFile(turned)
        size = (expected.info.height, expected.info.width, 3)
        assert (shown.info.height, shown.info.width, 3) == size
        frames = np.zeros((2, *size), np.uint8)
        expected.read(frames[0])
        shown.read(frames[1])
        assert np.abs(frames[0].astype(int) - frames[1]).mean() < 8
        expected.close()
        shown.close()


def test_a_home_folder_and_blanks_in_a_path(
    make_video: MakeVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video("my clip: one.mp4")
    monkeypatch.setenv("HOME", str(tmp_path))
    video = open_source("file:~/my clip: one.mp4", CameraSettings())
    assert video.info.name == "my clip: one.mp4"


@pytest.mark.parametrize(
    ("given", "taken"),
    [(25, 25), (23.976, 23.976), (0, 30), (-1, 30), (90000, 30), (float("nan"), 30)],
)
def test_an_absurd_frame_rate_becomes_30(given: float, taken: float) -> None:
    assert plausible_fps(given) == taken


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"There is no file .*nope\.mp4"):
        VideoFile(tmp_path / "nope.mp4")


def test_a_file_that_may_not_be_read(
    make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # chmod does not stop root, which may run this
    with pytest.raises(MissingError, match=r"may not be read.*chmod"):
        VideoFile(path)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        VideoFile(tmp_path)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(UsageError, match="is empty"):
        VideoFile(path)


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "letter.mp4"
    path.write_text("Dear all, this is a letter.\n" * 50)
    with pytest.raises(UsageError, match="not a video that can be played"):
        VideoFile(path)


def test_a_video_without_frames(make_video: MakeVideo) -> None:
    with pytest.raises(UsageError, match=r"not a video|no pictures"):
        VideoFile(make_video(frames=0))


def test_a_file_that_vanishes_while_it_plays(make_video: MakeVideo) -> None:
    path = make_video(frames=2)
    video = VideoFile(path)
    path.unlink()
    with pytest.raises(SdcamError, match="There is no file"):
        greys(video, 3)


def test_nothing_is_printed_about_bad_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + b"\7" * 500)
    with pytest.raises(UsageError):
        VideoFile(path)
    assert capfd.readouterr().err == ""


def test_the_demo_clip_plays_and_moves() -> None:
    video = VideoFile(resources.demo_clip())
    assert (video.info.width, video.info.height, video.info.fps) == (854, 480, 30)
    first, later = np.empty((2, 480, 854, 3), np.uint8)
    video.read(first)
    for _ in range(5):
        video.read(later)
    assert np.abs(first.astype(int) - later).mean() > 1
    assert resources.demo_clip().stat().st_size < 3_000_000
