"""What the steps ask of the Mac: programs, the running service, the person in front of it. Tests
replace it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMED_OUT, NOT_THERE = 124, 127  # as the shell has them

Status = Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """Exit code and output of a program."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def said(self) -> str:
        """All output and the exit code, for the report."""
        return f"{self.out}{self.err}[exit code {self.code}]"

    @property
    def last_line(self) -> str:
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit code {self.code}"

    def json(self) -> Any:
        """The parsed output; None if it is not JSON."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None


class Mac:
    """
    Args:
        root: of the repository.
        work: an empty folder with a short path, because a socket will be in it.
        attended: whether there is a person to ask.
    """

    def __init__(self, root: Path, work: Path, attended: bool) -> None:
        self.root, self.work, self.attended = root, work, attended
        self.home = Path.home()
        config = work / "config.toml"  # none of the user's own settings
        config.write_text(f'[service]\nsocket = "{work}/control.sock"\n')
        self._environment = {
            **os.environ,
            "SDCAM_CONFIG": str(config),
            "PYTHONPATH": str(root / "tests" / "mac"),
        }
        self._besides = 0

    def run(self, *words: str | Path, seconds: float = 60.0) -> Done:
        """Runs a program to its end. After `seconds` it is killed with its process group."""
        try:
            process = self._popen(words)
        except OSError as error:
            return Done(NOT_THERE, err=f"{words[0]}: {error.strerror}\n")
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return Done(TIMED_OUT, out, f"{err}It did not end within {seconds:.0f} s.\n")
        return Done(process.returncode, out, err)

    def python(self, *words: str | Path, seconds: float = 60.0) -> Done:
        return self.run(sys.executable, *words, seconds=seconds)

    def sdcam(self, *words: str | Path, seconds: float = 60.0) -> Done:
        return self.python("-m", "sdcam", *words, seconds=seconds)

    @contextlib.contextmanager
    def running(self, *words: str | Path) -> Iterator[Callable[[], Done]]:
        """Runs `sdcam WORDS` in the background. The yielded function ends it as Ctrl-C does and
        returns its output."""
        yield from self._beside((sys.executable, "-m", "sdcam", *words))

    @contextlib.contextmanager
    def beside(self, *words: str | Path) -> Iterator[Callable[[], Done]]:
        """The same for any Python program."""
        yield from self._beside((sys.executable, *words))

    def status(self) -> Status | None:
        """Of the running service; None if there is none."""
        told = self.sdcam("status", "--json", seconds=15)
        found = told.json() if told.ok else None
        return found if isinstance(found, dict) else None

    def until(self, condition: Callable[[Status], bool], seconds: float) -> Status | None:
        """The first status for which `condition` is true; None after `seconds`."""
        deadline = self.now() + seconds
        while self.now() < deadline:
            status = self.status()
            if status is not None and condition(status):
                return status
            self.wait(0.5)
        return None

    def kill(self, pid: int) -> None:
        """As a crash would."""
        os.kill(pid, signal.SIGKILL)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return time.monotonic()

    def tell(self, text: str) -> None:
        """Tells the person what to do, and waits until it is done."""
        input(f"\n    >>> {text}\n        Press Enter when it is done. ")

    def ask(self, question: str) -> bool:
        while True:
            answer = input(f"\n    >>> {question} [y/n] ").strip().lower()
            if answer[:1] in ("y", "n"):
                return answer[0] == "y"

    def _popen(self, words: tuple[str | Path, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            cwd=self.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def _beside(self, words: tuple[str | Path, ...]) -> Iterator[Callable[[], Done]]:
        self._besides += 1
        out, err = (self.work / f"beside-{self._besides}.{end}" for end in ("out", "err"))
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                words,
                cwd=self.root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )

            def end() -> Done:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                try:
                    process.wait(40)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                told = [path.read_text(errors="replace") for path in (out, err)]
                return Done(process.returncode, *told)

            try:
                yield end
            finally:
                end()
