"""Faults of every kind on the running service, and how long it takes to get over each.

Counted from the end of the cause (a process was killed, a device is back) to the first new styled
frame; `gap` is the largest one of the output in the whole run, staging included. Goals: within 3 s,
and the output never stops (60 ms).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.service import Service, running
from sdcam import resources

Stage = Callable[[Service, Path], float]  # stages a fault; when its cause ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    print(f"{'fault':44} {'styled again after':>20}   {'gap':>9}")
    for name, stage in FAULTS.items():
        runs = [_run(stage) for _ in range(options.times)]
        again, gaps = zip(*runs, strict=True)
        print(f"{name:44} {min(again):8.2f} to {max(again):5.2f} s   {max(gaps):6.1f} ms")


def _run(stage: Stage) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "camera.mp4"
        shutil.copy(resources.demo_clip(), clip)
        (folder / "config.toml").write_text("")
        words = ("--config", str(folder / "config.toml"), "--source", f"file:{clip}")
        with running(*words, "--service", "--output", "null", *_log(folder)) as service:
            service.until(lambda s: s["frames"]["styled"] > 20 and not s["card"])
            ended = stage(service, folder)
            styled = service.status()["frames"]["styled"]
            service.until(lambda s: s["frames"]["styled"] > styled and not s["faults"])
            again = time.monotonic() - ended
            return again, service.status()["gap_ms"]["max"]


def _log(folder: Path) -> tuple[str, ...]:
    return ("--set", f"service.log_file={folder / 'sdcam.log'}")


def _signal(part: str, number: signal.Signals) -> Stage:
    def stage(service: Service, folder: Path) -> float:
        before = service.status()
        os.kill(before["processes"][part]["pid"], number)
        ended = time.monotonic()
        name = "capture" if part == "capture" else "model"
        service.until(lambda s: s["restarts"][name] > before["restarts"][name])
        return ended

    return stage


def _camera_away(service: Service, folder: Path) -> float:
    """The clip stands for a camera that is pulled out and put back."""
    clip, away = folder / "camera.mp4", folder / "away.mp4"
    clip.rename(away)
    os.kill(service.status()["processes"]["capture"]["pid"], signal.SIGKILL)
    service.until(lambda s: "camera" in s["faults"] and s["card"])
    time.sleep(1.3)
    away.rename(clip)
    return time.monotonic()


def _model_away(service: Service, folder: Path) -> float:
    config, there = folder / "config.toml", resources.embedded_model()
    config.write_text(f'[model]\nname = "{folder}/model"\n')
    service.until(lambda s: "model" in s["faults"] and s["card"])
    time.sleep(1.3)
    shutil.copytree(there, folder / "model")
    return time.monotonic()


def _bad_edit(service: Service, folder: Path) -> float:
    (folder / "config.toml").write_text("[look]\nprompt = \n")
    service.until(lambda s: s["config"]["error"])
    return time.monotonic()


FAULTS: dict[str, Stage] = {
    "capture process killed": _signal("capture", signal.SIGKILL),
    "capture process hangs": _signal("capture", signal.SIGSTOP),
    "model process killed (as for want of memory)": _signal("model", signal.SIGKILL),
    "model process crashes": _signal("model", signal.SIGSEGV),
    "model process hangs": _signal("model", signal.SIGSTOP),
    "camera gone, and back": _camera_away,
    "model gone, and back": _model_away,
    "mistake in the configuration file": _bad_edit,
}


if __name__ == "__main__":
    main()
