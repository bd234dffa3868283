"""A Mac that is made up: everything here is constructed after what the programs' manuals and public
reports show; nothing was recorded on a Mac."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "mac"), str(ROOT / "tests" / "integration")]

from verify_mac.bars import COLOURS, HEIGHT, WIDTH  # noqa: E402
from verify_mac.mac import NOT_THERE, Done, Mac  # noqa: E402

LISTING = """\
[AVFoundation indev @ 0x14f704080] AVFoundation video devices:
[AVFoundation indev @ 0x14f704080] [0] FaceTime HD Camera
[AVFoundation indev @ 0x14f704080] [1] OBS Virtual Camera
[AVFoundation indev @ 0x14f704080] [2] Anna's iPhone Camera
[AVFoundation indev @ 0x14f704080] [3] HD Pro Webcam C920
[AVFoundation indev @ 0x14f704080] [4] Capture screen 0
[AVFoundation indev @ 0x14f704080] AVFoundation audio devices:
[AVFoundation indev @ 0x14f704080] [0] MacBook Pro Microphone
: Input/output error
"""
CAMERAS = [
    {"name": "FaceTime HD Camera", "index": 0, "kind": "built-in", "why_not": "", "is_auto": True},
    {"name": "HD Pro Webcam C920", "index": 1, "kind": "USB", "why_not": "", "is_auto": False},
    {"name": "OBS Virtual Camera", "index": 2, "kind": "virtual", "why_not": "x", "is_auto": False},
    {"name": "Anna's iPhone Camera", "index": 3, "kind": "phone", "why_not": "", "is_auto": False},
]
CHECKS = [
    {"group": "This machine", "name": "system", "verdict": "ok", "found": "macOS 15.1"},
    {"group": "Service", "name": "installed", "verdict": "trouble", "found": "It is not."},
]
MACHINE = {
    "hw.model": "Mac15,6",
    "machdep.cpu.brand_string": "Apple M3 Pro",
    "hw.memsize": str(36 * 2**30),
    "-productVersion": "15.1",
    "-buildVersion": "24B83",
}


def picture(order=(0, 1, 2)):
    """Colour bars of 1280x720 as a reader gets them; `order` of the channels."""
    row = b"".join(
        bytes(rgb[channel] for channel in order) * (WIDTH // len(COLOURS))
        for rgb in COLOURS.values()
    )
    return row * HEIGHT


def parity(worst=9e-4, passed=True, runtime="Core ML, CPU and GPU"):
    line = {
        "program": "fused",
        "output": "styled",
        "input": "t = 999",
        "relative_l2": worst,
        "gate": 3e-3,
        "passed": passed,
    }
    return {"bundle": "b", "runtime": runtime, "passed": passed, "outputs": [line], "graph": []}


class MadeUpMac(Mac):
    """A healthy one. Its clock goes on only when somebody waits; the person says yes, but to a
    question of macOS that comes a second time."""

    def __init__(self, work, attended=True):
        super().__init__(ROOT, work, attended)
        self.home = work / "home"
        self.clock = 0.0
        self.styled = 0
        self.pids = {"daemon": 100, "capture": 101, "fused": 102, "preprocess": 103}
        self.service_pid = None
        self.service_runs = False
        self.plist = 0o644
        self.killed = []
        self.commands = []  # of sdcam
        self.programs = []  # of Python
        self.told = []
        self.starts = iter([9.0, 4.0])
        self.beside_is = ()
        self.runs = {"styled": 300, "restarts": {"capture": 0, "model": 0}}
        self.answers = {}  # words that a command contains, and what is answered instead
        self.watchers = {False: [], True: None}
        self.faults = iter(())
        self.growth = 0.0

    # Programs

    def run(self, *words, seconds=60.0):
        text = " ".join(map(str, words))
        if "-m sdcam" in text:
            self.commands.append([str(word) for word in words[3:]])
        elif words[0] == sys.executable and words[1] == "-c":
            self.programs.append(words[2])
        for part, answer in self.answers.items():
            if part in text:
                return answer
        if "-m sdcam" in text:
            return self._sdcam(*map(str, words[3:]))
        return self._other(text, [str(word) for word in words])

    def _other(self, text, words):
        if text.endswith(".rgb"):
            Path(words[-1]).write_bytes(picture())
        elif words[0] == "chmod":
            self.plist = int(words[1], 8)
        said = {
            "make": "===== 1800 passed in 300 s =====",
            "sysctl": MACHINE.get(words[-1]),
            "sw_vers": MACHINE.get(words[-1]),
            "launchctl print": f"\tstate = running\n\tpid = {self.service_pid}",
            "-list_devices": LISTING,
            "sys.prefix": "/Users/anna/sdcam/.venv",
            "camera_authorization": "GRANTED",
            "imageio_ffmpeg": "/opt/ffmpeg",
            "ps -o": self._images(words[-1]) if words[0] == "ps" else "",
        }
        return Done(0, next((out for part, out in said.items() if part in text), "") + "\n")

    def _images(self, pids):
        app = self.home / "Applications/StreamDiffusion Cam.app/Contents/MacOS"
        return "".join(f"{pid:>5} {app}/StreamDiffusion Cam\n" for pid in pids.split(","))

    def _sdcam(self, name, *words):
        rest = " ".join(words)
        if name == "run":
            compiled = "coreml:fused" in rest
            return self._json(self._summary(next(self.starts) if compiled else 2.0))
        if name == "service":
            return self._service(words[0])
        if name == "demo":
            (self.work / "demo.mp4").write_bytes(b"film")
        ways = ["coreml:fused", "coreml:staged"][: 1 if "coreml:fused" in rest else 2]
        told = {
            "cameras": CAMERAS,
            "doctor": {"checks": CHECKS},
            "models": parity(),
            "bench": {"ways": [{"way": w, "fps": 31.0} for w in ways], "remembered": "x"},
        }
        return self._json(told.get(name, "sdcam 0.1"))

    def _summary(self, first):
        return {
            "frames": {"styled": self.runs["styled"]},
            "first_picture_after_seconds": first,
            "restarts": self.runs["restarts"],
            "fps_average": {"model": 31.0, "output": 30.0},
            "latency_ms": {"p50": 52.0},
        }

    def _service(self, action):
        app = self.home / "Applications/StreamDiffusion Cam.app/Contents/MacOS"
        if action == "install":
            app.mkdir(parents=True, exist_ok=True)
            self._service_starts()
            return Done(0, "The app may use the camera.\n")
        if action == "status":
            pid = self.service_pid if self.service_runs else None
            told = {"installed": app.exists(), "state": "running" if pid else "not running"}
            return self._json({**told, "pid": pid}, code=0 if pid else 3)
        if action == "uninstall":
            app.rmdir()
            app.parent.rmdir()
            app.parents[1].rmdir()
            self.service_runs = False
        elif action == "stop":
            self.service_runs = False
        elif self.plist & 0o022:
            return Done(1, err="sdcam: launchd does not trust the plist.\n")
        else:
            self._service_starts()
        return Done(0)

    def _service_starts(self):
        self.service_pid = (self.service_pid or 500) + 1
        self.service_runs = True

    def _json(self, value, code=0):
        return Done(code, json.dumps(value))

    # Beside

    @contextlib.contextmanager
    def running(self, *words):
        self.commands.append([str(word) for word in words])
        self.beside_is += ("service",)
        yield lambda: Done(0, err="the machine has slept; the camera is opened anew\n")
        self.beside_is = self.beside_is[:-1]

    @contextlib.contextmanager
    def beside(self, *words):
        self.beside_is += ("reader",)
        yield lambda: Done(0)
        self.beside_is = self.beside_is[:-1]

    def status(self):
        self.styled += 40
        return {
            "state": "running",
            "card": "",
            "seconds": self.clock + 20,
            "faults": next(self.faults, {}),
            "source": {"name": "HD Pro Webcam C920"},
            "frames": {"captured": self.styled, "styled": self.styled},
            "watchers": self.watchers["reader" in self.beside_is],
            "processes": {
                name: {"pid": pid, "memory_mb": 200.0 + self.growth * self.clock}
                for name, pid in self.pids.items()
            },
        }

    def kill(self, pid):
        self.killed.append(pid)
        if pid == self.service_pid:
            self._service_starts()
        self.pids = {n: p + 1000 if p == pid else p for n, p in self.pids.items()}

    # Time and the person

    def wait(self, seconds):
        self.clock += seconds

    def now(self):
        self.clock += 0.01
        return self.clock

    def tell(self, text):
        self.told.append(text)
        if "Unplug" in text or "pkill" in text:
            self.faults = iter([{"camera": "It is gone."}])

    def ask(self, question):
        self.told.append(question)
        return "once more" not in question


@pytest.fixture
def mac(tmp_path):
    return MadeUpMac(tmp_path)


@pytest.fixture
def made_up():
    """What tests make other Macs of."""
    return {"picture": picture, "parity": parity, "listing": LISTING, "missing": NOT_THERE}
