"""ffmpeg as a process of its own: raw I420 on its stdin, H.264 in an MP4 file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sdcam.errors import MissingError
from sdcam.settings.schema import OutputSettings

_NICENESS = 5  # the model goes first, but not alone: with 10 two busy cores starve a recording
_FRAGMENTS_A_SECOND = 1


def start_encoder(
    path: Path, output: OutputSettings, ffmpeg: str | None = None
) -> subprocess.Popen[bytes]:
    """Starts encoding to `path`, which is overwritten. The process ends with its stdin.

    It has a session of its own: Ctrl-C in the terminal must not reach it before the last frame.

    Raises:
        MissingError: there is no ffmpeg, or it does not start.
    """
    ffmpeg = ffmpeg or _installed_ffmpeg()
    try:
        process = subprocess.Popen(
            [ffmpeg, *_arguments(path, output, _keeps_a_finished_index(ffmpeg))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
            pipesize=1 << 20,  # a frame in two gulps instead of twenty
            start_new_session=True,
        )
    except OSError as error:
        raise MissingError(
            f"{ffmpeg} does not start: {error.strerror}.", "Install imageio-ffmpeg again."
        ) from error
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    return process


def _arguments(path: Path, output: OutputSettings, finished_index: bool) -> list[str]:
    # Fragments, each sent to the disk at once (-flush_packets), are what makes a file that just
    # ends (full disk, kill -9, power) playable. ffmpeg 7.1 and later make an ordinary MP4 of them
    # when the recording ends; without empty_moov older players would stop at the first fragment
    # of an unfinished one.
    layout = "frag_keyframe+empty_moov+default_base_moof"
    if finished_index:
        layout += "+hybrid_fragmented"
    # OpenCV converts by BT.601 in limited range; the picture itself is what a screen shows. Said
    # by a filter that changes no pixel, so that players give the colours back.
    colours = "setparams=range=tv:colorspace=smpte170m:color_primaries=bt709:color_trc=bt709"
    return [
        *("-hide_banner", "-loglevel", "error", "-nostats", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{output.width}x{output.height}"),
        *("-framerate", f"{output.fps:.6f}", "-i", "pipe:0", "-vf", colours),
        *("-c:v", "libx264", "-preset", "superfast", "-crf", "23", "-threads", "2", "-bf", "0"),
        *("-g", str(max(1, round(output.fps / _FRAGMENTS_A_SECOND)))),
        *("-movflags", layout, "-flush_packets", "1"),
        *("-f", "mp4", f"file:{path}"),
    ]


def _installed_ffmpeg() -> str:
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MissingError(
            "There is no ffmpeg to record with.",
            "Install one (brew install ffmpeg, apt install ffmpeg), or imageio-ffmpeg again.",
        ) from error


def _keeps_a_finished_index(ffmpeg: str) -> bool:
    """Whether this ffmpeg turns fragments into an ordinary MP4 when it closes the file."""
    asked = [ffmpeg, "-hide_banner", "-h", "muxer=mp4"]
    answer = subprocess.run(asked, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return b"hybrid_fragmented" in answer.stdout
