"""The life of the service at random: pauses, prompts, edits, killed children, restarts.

Actions come in an order that a seed fixes. What is asserted at the end:

- memory, descriptors and threads of the daemon stay flat over the whole time;
- the log grows by at most 1 kB a minute beside the lines that the user asked for, the staged kills
  and the starts;
- camera frames that the daemon delivers come in order, and a first frame is marked as such;
- the counters agree: `sent` is what the sink itself took, and captured frames are styled, reused,
  skipped, dropped or still in flight;
- the service never ends by itself, answers `status` in time, and ends with 0 when it is told to.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.service import Service
from benchmarks.soak import memory_mb
from sdcam.control.client import ask
from sdcam.errors import SdcamError

_ENGINE = "replay:m3-ultra:staged"
_PROMPTS = ("oil", "anime", "watercolor", "pencil", "pop art", "penicl")
_LOG_BYTES_A_MINUTE = 1000
_STATUS_SECONDS = 2.0  # on two cores that other programs use too
_MB = 8.0
_SPARE_FRAMES = 16  # in flight, waiting or granted when the counters are read


@dataclass
class Watch:
    """What was found, over all starts of the service."""

    problems: list[str] = field(default_factory=list)
    actions: dict[str, int] = field(default_factory=dict)
    memory_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    unasked_bytes: int = 0
    sent: int = 0
    slowest_status: float = 0.0

    def check(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default=_ENGINE)
    options = parser.parse_args()
    watch = soak(60 * options.minutes, options.seed, options.engine)
    print("actions      " + ", ".join(f"{n} {name}" for name, n in sorted(watch.actions.items())))
    for name, values in (
        ("memory MB", watch.memory_mb),
        ("descriptors", watch.descriptors),
        ("threads", watch.threads),
    ):
        print(f"{name:12} first {values[0]}, last {values[-1]}, most {max(values)}")
    print(f"log          {watch.unasked_bytes / options.minutes:.0f} bytes a minute unasked")
    print(f"sent         {watch.sent} frames; slowest status {watch.slowest_status:.2f} s")
    for problem in watch.problems:
        print(f"PROBLEM      {problem}")
    print("SOUND" if not watch.problems else "NOT SOUND")
    return 1 if watch.problems else 0


def soak(seconds: float, seed: int, engine: str = _ENGINE) -> Watch:
    """Runs it; also a test of thirty seconds (tests/integration/test_lifecycle.py)."""
    watch, chance = Watch(), random.Random(seed)
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="sdcam-") as folder:
        while time.monotonic() < until:
            lasts = min(until - time.monotonic(), chance.uniform(10.0, 60.0))
            _one_life(Path(folder), lasts, chance, engine, watch)
    return watch


def _one_life(
    folder: Path, seconds: float, chance: random.Random, engine: str, watch: Watch
) -> None:
    """One start of the service, its actions, and its end with commands that still arrive."""
    life = _Life(folder, chance, engine, watch)
    until = time.monotonic() + seconds
    try:
        life.status(lambda s: s["first_picture_after_seconds"] is not None or s["card"] == "Paused")
        for action in life.warm_up:  # each loads its modules and fills its caches once
            action()
            time.sleep(0.5)
        settled, settles_at = None, time.monotonic() + seconds / 3
        while time.monotonic() < until:
            if settled is None and time.monotonic() > settles_at:
                settled = life.sample()
            chance.choice(life.actions)()
            time.sleep(chance.uniform(0.05, 1.0))
        life.resume()
        life.status(lambda s: s["state"] == "running" and s["card"] == "")
        time.sleep(1.0)
        life.check_counters()
        if settled is not None:
            life.compare(settled, life.sample())
    finally:
        life.end()


class _Life:
    def __init__(self, folder: Path, chance: random.Random, engine: str, watch: Watch) -> None:
        self._watch, self._chance = watch, chance
        self._config = folder / "config.toml"
        self._config.write_text('[look]\nprompt = "oil"\n')
        self._log = folder / "sdcam.log"
        self._log.unlink(missing_ok=True)
        self._record = folder / "frames.txt"
        self._record.unlink(missing_ok=True)
        os.environ["LIFECYCLE_RECORD"] = str(self._record)
        words = (
            *("--source", "test", "--output", "null", "--model", "pocket", "--engine", engine),
            *("--config", str(self._config), "--service", "--set", f"service.log_file={self._log}"),
        )
        self._service = Service(folder, words, ("-m", "benchmarks.lifecycle", "serve"))
        self._kills = 0
        self.actions: list[Callable[[], None]] = [
            self.pause, self.resume, self.prompt, self.next, self.edit, self.spoil, self.kill,
            self.look_at, self.prompt, self.next,
        ]  # fmt: skip
        self.warm_up = [self.pause, self.resume, self.prompt, self.edit, self.kill, self.look_at]

    def pause(self) -> None:
        self._ask("pause")

    def resume(self) -> None:
        self._ask("resume")

    def prompt(self) -> None:
        self._ask("set", values={"look.prompt": self._chance.choice(_PROMPTS)})

    def next(self) -> None:
        self._ask("next")

    def look_at(self) -> None:
        self._ask("status")

    def edit(self) -> None:
        self._count("edit")
        size = self._chance.choice((1280, 640))
        prompt = self._chance.choice(_PROMPTS[:-1])
        self._config.write_text(
            f'[look]\nprompt = "{prompt}"\n[camera]\nwidth = {size}\nheight = {size * 9 // 16}\n'
        )

    def spoil(self) -> None:
        self._count("broken edit")
        self._config.write_text('[look]\nprompt = "unfinished\n')

    def kill(self) -> None:
        processes = self.status(lambda s: True)["processes"]
        names = [name for name in processes if name != "daemon"]
        if names:
            self._count("kill")
            self._kills += 1
            name = self._chance.choice(names)
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(processes[name]["pid"]), signal.SIGKILL)

    def end(self) -> None:
        """SIGTERM, and commands while it ends."""
        process = self._service.process
        self._watch.check(process.poll() is None, f"it ended by itself: {self._tail()}")
        process.terminate()
        begun = time.monotonic()
        while process.poll() is None and time.monotonic() - begun < 20:
            for command in ("pause", "resume", "next"):
                try:
                    ask(self._service.socket, command)
                except SdcamError:
                    time.sleep(0.01)
        took = time.monotonic() - begun
        if process.stdout is not None:
            process.stdout.close()
        self._watch.check(process.poll() == 0, f"its end: exit code {process.poll()}")
        self._watch.check(took < 10, f"its end took {took:.1f} s")
        self._check_log()
        self._check_frames()

    def status(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return self._service.until(condition, poll=0.02)

    def sample(self) -> tuple[float, int, int]:
        daemon = psutil.Process(self._service.process.pid)
        found = round(memory_mb(daemon)[0], 1), daemon.num_fds(), daemon.num_threads()
        for values, value in zip(
            (self._watch.memory_mb, self._watch.descriptors, self._watch.threads), found,
            strict=True,
        ):  # fmt: skip
            values.append(value)  # type: ignore[attr-defined]
        return found

    def compare(self, first: tuple[float, int, int], last: tuple[float, int, int]) -> None:
        self._watch.check(last[0] - first[0] < _MB, f"memory grew from {first[0]} to {last[0]} MB")
        # A spare capture process may be ready at the one moment and not at the other.
        self._watch.check(last[1] - first[1] <= 4, f"descriptors grew from {first[1]} to {last[1]}")
        self._watch.check(last[2] - first[2] <= 1, f"threads grew from {first[2]} to {last[2]}")

    def check_counters(self) -> None:
        status = self._service.status()
        frames = status["frames"]
        known = sum(frames[name] for name in ("styled", "reused", "skipped", "dropped"))
        lost = frames["captured"] - known
        self._watch.check(
            -_SPARE_FRAMES <= lost <= _SPARE_FRAMES + 8 * self._kills,
            f"{lost} of {frames['captured']} captured frames are not accounted for: {frames}",
        )

    def _check_frames(self) -> None:
        """The record that `serve` wrote: every frame delivered, and every frame that was sent."""
        last, sent, told = 0, 0, None
        for line in self._record.read_text().splitlines():
            word, *numbers = line.split()
            if word == "frame":
                sequence, first = map(int, numbers)
                self._watch.check(
                    first == 1 or sequence > last, f"frame {sequence} came after frame {last}"
                )
                last = sequence
            elif word == "took":
                sent += 1
            else:
                told = int(numbers[0])
        self._watch.sent += sent
        self._watch.check(told == sent, f"`sent` is {told}, the sink took {sent}")

    def _check_log(self) -> None:
        expected = (
            *("user: ", "prompt: ", "killed by SIGKILL", "works again", "version ", "showing"),
            *("source open", "model ready", "SIGTERM"),
        )
        for line in self._log.read_text(errors="replace").splitlines():
            self._watch.check("Traceback" not in line, f"a traceback in the log: {self._tail()}")
            if not any(word in line for word in expected):
                self._watch.unasked_bytes += len(line) + 1

    def _ask(self, command: str, **arguments: object) -> None:
        self._count(command)
        begun = time.monotonic()
        try:
            ask(self._service.socket, command, **arguments)
        except SdcamError as error:
            self._watch.check("knows no command" not in str(error), str(error))
        took = time.monotonic() - begun
        self._watch.slowest_status = max(self._watch.slowest_status, took)
        self._watch.check(took < _STATUS_SECONDS, f"{command} took {took:.1f} s")

    def _count(self, action: str) -> None:
        self._watch.actions[action] = self._watch.actions.get(action, 0) + 1

    def _tail(self) -> str:
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return text[-1500:]


def serve(words: list[str]) -> int:
    """`sdcam run` that also writes which frames were delivered and which the sink took."""
    from sdcam.cli import main as sdcam
    from sdcam.output import Null
    from sdcam.service.daemon import Daemon
    from sdcam.workers.inference import InferenceWorker
    from sdcam.workers.output import OutputWorker

    record = Path(os.environ["LIFECYCLE_RECORD"]).open("a", buffering=1)  # noqa: SIM115
    offer, send, shutdown = InferenceWorker.offer, Null.send, Daemon._shutdown
    outputs: list[OutputWorker] = []

    def recorded_offer(self: InferenceWorker, frame: Any) -> None:
        record.write(f"frame {frame.sequence} {int(frame.first)}\n")
        offer(self, frame)

    def recorded_send(self: Null, frame: Any) -> None:
        send(self, frame)
        if outputs and outputs[0].first_picture_ns is not None:
            record.write("took\n")

    def recorded_shutdown(self: Daemon) -> None:
        shutdown(self)
        record.write(f"sent {self.output.sent.count}\n")

    def recorded_start(self: OutputWorker) -> None:
        outputs.append(self)
        start(self)

    start = OutputWorker.start
    InferenceWorker.offer = recorded_offer  # type: ignore[method-assign]
    Null.send = recorded_send  # type: ignore[method-assign]
    Daemon._shutdown = recorded_shutdown  # type: ignore[method-assign]
    OutputWorker.start = recorded_start  # type: ignore[method-assign]
    return sdcam(["run", *words])


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        raise SystemExit(serve(sys.argv[2:]))
    raise SystemExit(main())
