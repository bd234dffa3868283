"""Who watches the virtual camera, on the real v4l2loopback driver. For a machine (best a virtual
one) where this may load and unload the module:

    sudo python tests/e2e/vm_audience.py

It sends a card once a second as `output.on_demand` does, lets programs come and go, and prints what
was noticed after how long. It exits with 1 when something was missed, or was seen that was not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sdcam.output import open_sink
from sdcam.output.viewers import ViewerWatcher
from sdcam.platforms.device_users import HIDDEN_PROGRAM
from sdcam.platforms.loopback import find_loopback
from sdcam.settings.schema import OutputSettings

NAME = "StreamDiffusion Cam"
OUTPUT = OutputSettings(width=320, height=180, fps=15)
READER = Path(__file__).with_name("vm_reader.py")
LOAD = (
    "modprobe",
    "v4l2loopback",
    "devices=1",
    "video_nr=10",
    f"card_label={NAME}",
    "exclusive_caps=1",
)
faults: list[str] = []


class Writer:
    """The product's own sink; a frame a second, at once when `hurry` is called."""

    def __init__(self) -> None:
        self.sink = open_sink("virtual-camera", OUTPUT)
        self._frame = np.full((OUTPUT.height * 3 // 2, OUTPUT.width), 128, np.uint8)
        self._period = 1.0
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pace(self, period: float) -> None:
        self._period = period
        self._wake.set()

    def _run(self) -> None:
        while not self._ended:
            self.sink.send(self._frame)
            self._wake.wait(self._period)
            self._wake.clear()

    def stop(self) -> None:
        self._ended = True
        self._wake.set()
        self._thread.join()
        self.sink.close()


class Notes:
    """What the watcher said, and when."""

    def __init__(self) -> None:
        self.changes: list[tuple[bool, int]] = []
        self._news = threading.Condition()

    def __call__(self, watched: bool) -> None:
        with self._news:
            self.changes.append((watched, time.monotonic_ns()))
            self._news.notify_all()

    def next(self, seconds: float) -> tuple[bool, int] | None:
        with self._news:
            self._news.wait_for(lambda: self.changes, seconds)
            return self.changes.pop(0) if self.changes else None


class Reader:
    """A program with the camera; `said` waits for its next word and gives the time of it."""

    def __init__(self, node: str, what: str, **options: object) -> None:
        command = [sys.executable, "-I", "-S", str(READER), node, what]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)

    def said(self, word: str) -> int:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.split()[0] == word:
                return int(line.split()[1])
        raise RuntimeError(f"the reader ended before it {word}")

    def end(self) -> int:
        ended = time.monotonic_ns()
        self.process.kill()
        self.process.wait()
        return ended


@contextmanager
def reader(node: str, what: str, **options: object) -> Iterator[Reader]:
    program = Reader(node, what, **options)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.end()


def expect(what: str, notes: Notes, watched: bool, since: int, within: float, least: float) -> None:
    note = notes.next(within + 3)
    if note is None or note[0] is not watched:
        fault(f"{what}: expected watched={watched}, noticed {note}")
        return
    seconds = (note[1] - since) / 1e9
    print(f"{what}: {'watched' if watched else 'nobody'} after {seconds:.2f} s", flush=True)
    if not least <= seconds <= within:
        fault(f"{what}: took {seconds:.2f} s, not {least} to {within}")


def expect_nothing(what: str, notes: Notes, seconds: float) -> None:
    if (note := notes.next(seconds)) is not None:
        fault(f"{what}: noticed {note}")
    else:
        print(f"{what}: nothing noticed, as should be", flush=True)


def fault(text: str) -> None:
    print(f"WRONG {text}", flush=True)
    faults.append(text)


def come_and_go(node: str, watcher: ViewerWatcher, notes: Notes, writer: Writer) -> None:
    driver_tells = "Streaming" in type(watcher._probe).__name__
    print("the driver tells of streams" if driver_tells else "openings are watched", flush=True)

    with reader(node, "stream") as program:
        since = program.said("opened")
        expect("a program streams", notes, True, since, 2.0, 0.1)
        print(f"  by {watcher.watchers}; its first frame ", end="")
        print(f"{(program.said('first') - since) / 1e9:.2f} s after opening")
        if watcher.watchers is None or str(program.process.pid) not in str(watcher.watchers):
            fault(f"it is {program.process.pid}, named {watcher.watchers}")
        ended = program.end()
        expect("it is killed", notes, False, ended, 6.0, 3.0)

    with reader(node, "read") as program:
        expect("a program reads", notes, True, program.said("opened"), 2.0, 0.1)
        expect("it is killed", notes, False, program.end(), 6.0, 3.0)

    with reader(node, "open") as program:
        since = program.said("opened")
        if driver_tells:
            expect_nothing("a program holds it open and takes no picture", notes, 2)
        else:
            expect("a program holds it open", notes, True, since, 2.5, 0.4)
            expect("it is killed", notes, False, program.end(), 6.0, 3.0)

    for _ in range(4):
        with reader(node, "0.02") as program:
            program.said("closed")
        time.sleep(0.4)
    expect_nothing("a program opens it for a moment, again and again", notes, 1)

    with reader(node, "stream") as program:
        expect("a program streams", notes, True, program.said("opened"), 2.0, 0.1)
        closed = program.end()
    time.sleep(0.5)
    with reader(node, "stream") as program:
        away = (program.said("opened") - closed) / 1e9
        expect_nothing(f"it changes the format: closes, opens {away:.1f} s later", notes, 4)
        closed = program.end()
    for _ in range(3):
        with reader(node, "0.02") as program:
            program.said("closed")
        time.sleep(0.3)
    expect("it goes, while another keeps asking", notes, False, closed, 6.0, 3.0)

    writer.pace(1 / 15)
    with reader(node, "stream") as program:
        since = program.said("opened")
        expect("a program streams at 15 fps", notes, True, since, 2.0, 0.1)
        writer.stop()
        writer = Writer()
        expect_nothing("the output is opened anew under it", notes, 4)
        ended = program.end()
        expect("it is killed", notes, False, ended, 6.0, 3.0)
    writer.stop()


def reload() -> None:
    subprocess.run(["modprobe", "-r", "v4l2loopback"], check=True)
    time.sleep(2)
    subprocess.run(LOAD, check=True)


def come_back(notes: Notes) -> None:
    """The module is unloaded and loaded under the watcher."""
    reload()
    time.sleep(4)
    expect_nothing("the module is loaded again", notes, 0.1)
    writer = Writer()
    with reader(find_loopback(NAME), "stream") as program:
        expect("a program streams from it", notes, True, program.said("opened"), 2.5, 0.1)
        expect("it is killed", notes, False, program.end(), 6.0, 3.0)
    writer.stop()


def unseen() -> None:
    """A service of another user, who may not look into the programs that watch."""
    reload()
    node = find_loopback(NAME)
    Path(node).chmod(0o666)
    told, tell = os.pipe()
    if (service := os.fork()) == 0:
        try:
            serve_as_another_user(tell)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(tell)
    lines = os.fdopen(told)
    assert lines.readline() == "ready\n"
    with reader(node, "stream") as program:
        since = program.said("opened")
        watched, when, programs = lines.readline().split(" ", 2)
        print(f"another user's program: {watched} after {(int(when) - since) / 1e9:.2f} s,", end="")
        print(f" by {programs}", end="", flush=True)
        if watched != "True" or HIDDEN_PROGRAM not in programs:
            fault(f"another user's program: {watched} {programs}")
        os.kill(service, signal.SIGKILL)
        os.waitpid(service, 0)


def serve_as_another_user(tell: int) -> None:
    os.setuid(65534)
    Writer()
    watcher = ViewerWatcher(
        NAME,
        lambda watched: os.write(
            tell, f"{watched} {time.monotonic_ns()} {watcher.watchers}\n".encode()
        ),
    )
    watcher.start()
    os.write(tell, b"ready\n")
    time.sleep(3600)


def idle(watcher: ViewerWatcher, seconds: float = 10.0) -> None:
    clock = time.pthread_getcpuclockid(watcher._thread.ident or 0)
    before = time.clock_gettime(clock)
    time.sleep(seconds)
    used = time.clock_gettime(clock) - before
    print(f"idle: {100 * used / seconds:.3f} % of a core", flush=True)
    if used / seconds > 0.002:
        fault(f"{used:.3f} s of processor time in {seconds} idle seconds")


def main() -> int:
    node = find_loopback(NAME)
    writer = Writer()
    notes = Notes()
    with reader(node, "stream") as program:
        program.said("streams")
        watcher = ViewerWatcher(NAME, notes)
        since = time.monotonic_ns()
        watcher.start()
        expect("a program was there before", notes, True, since, 2.5, 0.0)
        expect("it is killed", notes, False, program.end(), 6.0, 3.0)
    idle(watcher)
    come_and_go(node, watcher, notes, writer)
    come_back(notes)
    watcher.stop()
    unseen()
    print(f"{len(faults)} faults", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    print(os.uname().release, flush=True)
    sys.exit(main())
