"""A recording: ffmpeg as a process of its own, raw I420 on its stdin, H.264 in an MP4 file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.arrays import Pixels
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.output.frame_ring import FrameRing
from sdcam.output.sink import DRAIN_SECONDS, Sink, check_frame, frame_shape

if TYPE_CHECKING:
    from sdcam.settings.schema import OutputSettings

_RING_SLOTS = 8  # a quarter of a second, 11 MB at 1280x720
_KILL_SECONDS = 2.0  # until a killed ffmpeg is given up: one in uninterruptible sleep stays
_ASK_SECONDS = 10.0
_NICENESS = 5  # after the model, but not last: with 10, two busy cores starve a recording
_FRAGMENTS_A_SECOND = 1
_NO_ROOM = ("No space left on device", "Disk quota exceeded", "File too large")


class Recording(Sink):
    """Every `send` is one frame of the file. ffmpeg encodes at its own speed: a frame that it is
    too slow for is counted in `late`, and the frame before stands in its place.

    Raises:
        UsageError: the path is not that of an MP4 file in a folder that exists.
        MissingError: the file cannot be written, or there is no ffmpeg.
    """

    def __init__(self, path: str, output: OutputSettings, ffmpeg: str | None = None) -> None:
        """
        Args:
            path: ends in .mp4; an existing file is overwritten.
            output: size and frame rate.
            ffmpeg: the executable; None for the one that is installed with imageio-ffmpeg.
        """
        self.path = _writable(path)
        self.name = f"file:{self.path}"
        self.pixel_format = "I420"
        self.fault: SdcamError | None = None  # why the recording ended early
        self._shape = frame_shape(self.pixel_format, output.width, output.height)
        self._ring = FrameRing(self._shape, _RING_SLOTS)
        self._stderr: deque[str] = deque(maxlen=20)
        self._changed = threading.Condition()  # guards the three below
        self._ended = False  # ffmpeg has exited, and its last words are known
        self._closing = False
        self._drain_until = float("inf")
        self._process = _start_encoder(self.path, output, ffmpeg)
        self._listener = threading.Thread(target=self._listen, name="ffmpeg-stderr", daemon=True)
        self._listener.start()
        threading.Thread(target=self._write, name="recording", daemon=True).start()

    @property
    def late(self) -> int:
        """Frames that were replaced by the one before."""
        return self._ring.late

    def report(self) -> dict[str, float]:
        return {"late": self.late}

    def send(self, frame: Pixels) -> None:
        if self.fault is not None:
            raise self.fault
        check_frame(frame, self._shape, self.name)
        self._ring.put(frame)

    def close(self, drain_seconds: float = DRAIN_SECONDS) -> SdcamError | None:
        """See `Sink.close`. Takes `drain_seconds` and two seconds more at most."""
        start = time.monotonic()
        with self._changed:
            self._drain_until = min(self._drain_until, start + drain_seconds)
            self._changed.notify_all()
            if self._closing:
                return None
            self._closing = True
        known = self.fault
        self._ring.finish()
        if not self._wait_until_drained():
            self.fault = self._cut_short(time.monotonic() - start)
        elif self._process.returncode != 0 and self.fault is None:
            self.fault = self._explained()
        return None if known else self.fault

    def _wait_until_drained(self) -> bool:
        with self._changed:
            while not self._ended and (left := self._drain_until - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._ended

    def _cut_short(self, seconds: float) -> SdcamError:
        self._process.kill()
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, _KILL_SECONDS):
                return SdcamError(
                    f"ffmpeg (pid {self._process.pid}) does not end, not even when it is killed; "
                    f"{self._rest}",
                    f"Check the disk that holds {self.path}.",
                )
        return SdcamError(
            f"ffmpeg did not finish in {seconds:.1f} s and was ended; {self._rest}",
            "Record a smaller picture, or fewer frames a second.",
        )

    def _write(self) -> None:
        """The thread that feeds ffmpeg, and waits for its end."""
        stdin = self._process.stdin
        assert stdin is not None
        broken = False
        try:
            while (frame := self._ring.take()) is not None:
                left = frame.data.cast("B")
                while left:
                    left = left[os.write(stdin.fileno(), left) :]
        except OSError:  # a broken pipe: ffmpeg has ended
            broken = True
        with contextlib.suppress(OSError):
            stdin.close()
        self._process.wait()
        self._listener.join()
        with self._changed:
            if broken and not self._closing:
                self.fault = self._explained()
            self._ended = True
            self._changed.notify_all()

    def _listen(self) -> None:
        """The thread that keeps ffmpeg's last words, and its pipe from filling up."""
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                self._stderr.append(line.decode(errors="replace").strip())

    @property
    def _rest(self) -> str:
        return f"{self.path} can be played up to about a second before its end."

    def _explained(self) -> SdcamError:
        said = "\n".join(self._stderr)
        code = self._process.returncode
        too_large = code == -signal.SIGXFSZ  # ulimit -f
        if too_large or any(reason in said for reason in _NO_ROOM):
            return SdcamError(
                f"The disk is full, so the recording has ended; {self._rest}",
                "Free some space, or record to another disk.",
            )
        if code < 0:
            reason = f"killed by signal {-code}"
        else:
            reason = self._stderr[0] if self._stderr else f"exit code {code}, without a message"
        return SdcamError(
            f"ffmpeg ended early ({reason}); {self._rest}", "Start the recording again."
        )


def _start_encoder(
    path: Path, output: OutputSettings, ffmpeg: str | None
) -> subprocess.Popen[bytes]:
    """Starts encoding to `path`. The process ends with its stdin.

    It has a session of its own: Ctrl-C in the terminal must not reach it before the last frame.
    """
    ffmpeg = ffmpeg or _installed_ffmpeg()
    try:
        process = subprocess.Popen(
            [ffmpeg, *_arguments(path, output, _finishes_fragments(ffmpeg))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
            pipesize=1 << 20,  # two writes a frame instead of twenty
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
    # Fragments, each sent to the disk at once (-flush_packets), keep a file playable that just
    # ends (full disk, kill -9, power). ffmpeg 7.1 and later make an ordinary MP4 of them when the
    # recording ends. Without empty_moov, older players stop at the first fragment of an unfinished
    # file.
    layout = "frag_keyframe+empty_moov+default_base_moof"
    if finished_index:
        layout += "+hybrid_fragmented"
    # OpenCV converts by BT.601 in limited range, and the picture is made for an sRGB screen. The
    # filter changes no pixel: it tells players how to restore the colours.
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


def _finishes_fragments(ffmpeg: str) -> bool:
    """Whether this ffmpeg turns fragments into an ordinary MP4 when it closes the file."""
    command = [ffmpeg, "-hide_banner", "-h", "muxer=mp4"]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=_ASK_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return b"hybrid_fragmented" in answer.stdout


def _writable(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.suffix.lower() != ".mp4":
        raise UsageError(f'"{text}" does not end in .mp4.', "Recordings are file:PATH.mp4.")
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} exists and is not a file.", "Record to another name.")
        if not path.parent.is_dir():
            raise UsageError(
                f"The folder {path.parent} does not exist.", "Create it, or record to another one."
            )
        path.open("ab").close()
    except OSError as error:
        raise MissingError(
            f"{path} cannot be written: {error.strerror}.", "Record to a folder of your own."
        ) from error
    return path
