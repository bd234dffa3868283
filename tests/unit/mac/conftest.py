"""The folder of `make verify-mac` on the path, and a Mac that only records what it is asked.

No test here says anything about macOS: nothing was recorded on a Mac yet. After `make verify-mac`
has run on one, its report is what to replay.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "mac"), str(ROOT / "tests" / "integration")]

from verify_mac.mac import Done, Mac  # noqa: E402

CAMERA = {"name": "Webcam", "index": 0, "kind": "USB", "why_not": "", "is_auto": True}


def anything() -> MagicMock:
    """A value with every key, larger and smaller than every other."""
    value = MagicMock()
    for comparison in ("__lt__", "__le__", "__gt__", "__ge__"):
        getattr(value, comparison).return_value = True
    value.__getitem__.return_value = value.get.return_value = value
    value.__format__ = lambda self, spec: "1"
    return value


class Agreeing(Done):
    """A program that ended well and printed JSON with every key."""

    def json(self):
        return json.loads(self.out) if self.out.startswith("[") else anything()


class RecordingMac(Mac):
    """Agrees with everything, so that every step gets as far as it can."""

    def __init__(self, work):
        super().__init__(ROOT, work, attended=True)
        self.home = work
        self.seconds = 0.0
        self.commands = []  # of sdcam
        self.programs = []  # of Python

    def run(self, *words, seconds=60.0):
        words = [str(word) for word in words]
        if words[1:3] == ["-m", "sdcam"]:
            self.commands.append(words[3:])
        elif words[0] == sys.executable and words[1] == "-c":
            self.programs.append(words[2])
        cameras = json.dumps([CAMERA])
        return Agreeing(0, cameras if "cameras" in words else "1\n")

    @contextlib.contextmanager
    def running(self, *words):
        self.commands.append([str(word) for word in words])
        yield lambda: Agreeing(0)

    @contextlib.contextmanager
    def beside(self, *words):
        yield lambda: Agreeing(0)

    def status(self):
        return anything()

    def until(self, condition, seconds):
        return anything()

    def kill(self, pid):
        pass

    def wait(self, seconds):
        self.seconds += seconds

    def now(self):
        self.seconds += 0.5
        return self.seconds

    def tell(self, text):
        pass

    def ask(self, question):
        return True


@pytest.fixture
def recording_mac(tmp_path):
    return RecordingMac(tmp_path)
