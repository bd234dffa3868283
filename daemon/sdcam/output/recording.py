"""A recording: H.264 in an MP4 file, as long as the output was open."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from pathlib import Path

from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.output.encoder import start_encoder
from sdcam.output.frame_ring import FrameRing
from sdcam.output.pixel_format import check_frame, frame_shape
from sdcam.output.sink import Pixels
from sdcam.settings.schema import OutputSettings

_RING_SLOTS = 8  # a quarter of a second, 11 MB at 1280x720
_NO_ROOM = ("No space left on device", "Disk quota exceeded", "File too large")


class Recording:
    """Every `send` is one frame of the file. Encoding happens in ffmpeg, on its own time: what it
    is too slow for is counted in `late`, and the frame before stands in its place.

    Raises:
        UsageError: the path is not that of an MP4 file in a folder that exists.
        MissingError: it may not be written there, or there is no ffmpeg.
    """

    pixel_format = "I420"

    def __init__(
        self,
        path: str,
        output: OutputSettings,
        ffmpeg: str | None = None,
        drain_seconds: float = 10.0,
    ) -> None:
        """
        Args:
            path: ends in .mp4; a file that is there is overwritten.
            output: size and frame rate.
            ffmpeg: the executable; None for the one that is installed with imageio-ffmpeg.
            drain_seconds: how long `close` waits for frames that are not encoded yet.
        """
        self.path = _writable(path)
        self.name = f"file:{self.path}"
        self.fault: SdcamError | None = None  # why the recording ended early
        self._drain_seconds = drain_seconds
        self._shape = frame_shape(self.pixel_format, output.width, output.height)
        self._ring = FrameRing(self._shape, _RING_SLOTS)
        self._complaints: deque[str] = deque(maxlen=20)
        self._closed = False
        self._process = start_encoder(self.path, output, ffmpeg)
        self._writer = threading.Thread(target=self._write, name="recording", daemon=True)
        self._listener = threading.Thread(target=self._listen, name="ffmpeg-stderr", daemon=True)
        self._listener.start()
        self._writer.start()

    @property
    def late(self) -> int:
        """Frames that were replaced by the one before."""
        return self._ring.late

    def report(self) -> dict[str, float]:
        """For the status."""
        return {"late": self.late}

    def send(self, frame: Pixels) -> None:
        if self.fault is not None:
            raise self.fault
        check_frame(frame, self._shape, self.name)
        self._ring.put(frame)

    def close(self) -> SdcamError | None:
        if self._closed:
            return None
        self._closed = True
        told = self.fault is not None
        self._ring.finish()
        self._writer.join(self._drain_seconds)
        in_time = not self._writer.is_alive() and self._ends()
        if not in_time:
            self._process.kill()
            self._writer.join()
            self._process.wait()
        self._listener.join()
        if not in_time:
            self.fault = SdcamError(
                f"ffmpeg did not finish in {self._drain_seconds:g} s and was ended; {self._rest}",
                "Record a smaller picture, or fewer frames a second.",
            )
        elif self._process.returncode != 0 and self.fault is None:
            self.fault = self._explained()
        return None if told else self.fault

    def _ends(self) -> bool:
        """Whether ffmpeg closes the file in time, once it was given everything."""
        try:
            self._process.wait(self._drain_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _write(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            while (frame := self._ring.take()) is not None:
                left = frame.data.cast("B")
                while left:
                    left = left[os.write(stdin.fileno(), left) :]
        except OSError:  # a broken pipe: ffmpeg has ended
            self._process.wait()
            self._listener.join()
            self.fault = self._explained()
        finally:
            stdin.close()

    def _listen(self) -> None:
        """Keeps ffmpeg's last words, and its pipe from filling up."""
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                self._complaints.append(line.decode(errors="replace").strip())

    @property
    def _rest(self) -> str:
        return f"{self.path} can be played up to about a second before."

    def _explained(self) -> SdcamError:
        said = "\n".join(self._complaints)
        too_large = self._process.returncode == -signal.SIGXFSZ  # ulimit -f
        if too_large or any(reason in said for reason in _NO_ROOM):
            return SdcamError(
                f"The disk is full, the recording has ended; {self._rest}",
                "Free some space, or record to another disk.",
            )
        if self._process.returncode < 0:
            reason = f"killed by signal {-self._process.returncode}"
        else:
            reason = self._complaints[0] if self._complaints else "without a word"
        return SdcamError(
            f"ffmpeg ended early ({reason}); {self._rest}", "Start the recording again."
        )


def _writable(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.suffix.lower() != ".mp4":
        raise UsageError(f'"{text}" does not end in .mp4.', "Recordings are file:PATH.mp4.")
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is there and is not a file.", "Record to another name.")
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
