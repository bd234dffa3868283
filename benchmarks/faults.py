"""Faults of every kind on the running service, and how long it takes to get over each.

Counted from the end of the cause (a process was killed, a device is back) to the first new styled
frame; `gap` is the largest one of the output in the whole run, staging included. Goals: within 3 s,
and the output never stops (60 ms). Cameras, virtual camera and sleep are staged
(tests/integration/staged_devices.py); processes, model and output's pace are real.
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

STAGED = Path(__file__).parent.parent / "tests" / "integration" / "staged_devices.py"
_AWAY_SECONDS = 1.3  # not a whole number of pauses between two attempts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", default="", metavar="TEXT", help="faults with this in their name")
    options = parser.parse_args()
    print(f"{'fault':44} {'styled again after':>20}   {'gap':>9}")
    for name, stage in FAULTS.items():
        if options.only not in name:
            continue
        runs = [_run(stage) for _ in range(options.times)]
        again, gaps = zip(*runs, strict=True)
        print(
            f"{name:44} {min(again):8.2f} to {max(again):5.2f} s   {max(gaps):6.1f} ms", flush=True
        )


def _run(stage: Stage) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cameras").mkdir()
        _plug(folder, 0)
        config = folder / "config.toml"
        config.write_text(_CONFIG)
        os.environ["SDCAM_STAGE"] = name
        words: tuple[str, ...] = ("--config", str(config), "--source", "camera")
        words += ("--output", "virtual-camera")
        words += ("--service", "--set", f"service.log_file={folder / 'sdcam.log'}")
        with running(*words, program=(str(STAGED),)) as service:
            service.until(lambda s: s["frames"]["styled"] > 20 and not s["card"])
            ended = stage(service, folder)
            styled = service.status()["frames"]["styled"]
            service.until(lambda s: s["frames"]["styled"] > styled and not s["faults"])
            again = time.monotonic() - ended
            return again, service.status()["gap_ms"]["max"]


_CONFIG = 'camera.device = "C920"\n'


def _plug(folder: Path, index: int, manner: str = "moving") -> None:
    node = folder / "cameras" / f"new{index}"
    node.write_text(f"C920: {manner}")
    node.replace(folder / "cameras" / f"video{index}")


def _signal(part: str, number: signal.Signals) -> Stage:
    def stage(service: Service, folder: Path) -> float:
        before = service.status()
        os.kill(before["processes"][part]["pid"], number)
        ended = time.monotonic()
        name = "capture" if part == "capture" else "model"
        service.until(lambda s: s["restarts"][name] > before["restarts"][name])
        return ended

    return stage


def _camera_elsewhere(service: Service, folder: Path) -> float:
    (folder / "cameras" / "video0").unlink()
    service.until(lambda s: "camera" in s["faults"] and s["card"])
    time.sleep(_AWAY_SECONDS)
    _plug(folder, 3)
    return time.monotonic()


def _camera_of(manner: str) -> Stage:
    """Its manner for a while; see `staged_devices.py`."""

    def stage(service: Service, folder: Path) -> float:
        _plug(folder, 0, manner)
        if manner == "clinging":  # it has to be opened so, to cling to its last picture
            os.kill(service.status()["processes"]["capture"]["pid"], signal.SIGKILL)
            service.until(lambda s: s["restarts"]["capture"] == 1 and not s["faults"])
            (folder / "cameras" / "video0").unlink()
        service.until(lambda s: "camera" in s["faults"] and s["card"])
        time.sleep(_AWAY_SECONDS)
        _plug(folder, 0)
        return time.monotonic()

    return stage


def _output_away(service: Service, folder: Path) -> float:
    (folder / "no-output").touch()
    service.until(lambda s: any(part.startswith("output:") for part in s["faults"]))
    time.sleep(_AWAY_SECONDS)
    (folder / "no-output").unlink()
    return time.monotonic()


def _sleep(service: Service, folder: Path) -> float:
    (folder / "asleep").write_text("3600")
    woken = time.monotonic()
    service.until(lambda s: "capture" not in s["processes"])
    service.until(lambda s: "capture" in s["processes"])
    return woken


def _model_away(service: Service, folder: Path) -> float:
    here, away = folder / "model", folder / "away"
    shutil.copytree(resources.embedded_model(), here)
    (folder / "config.toml").write_text(f'{_CONFIG}[model]\nname = "{here}"\n')
    service.until(lambda s: s["model"]["name"] == "model" and not s["faults"])
    here.rename(away)
    os.kill(service.status()["processes"]["model"]["pid"], signal.SIGKILL)
    service.until(lambda s: "model" in s["faults"] and s["card"])
    time.sleep(_AWAY_SECONDS)
    away.rename(here)
    return time.monotonic()


def _bad_edit(service: Service, folder: Path) -> float:
    (folder / "config.toml").write_text("[look]\nprompt = \n")
    service.until(lambda s: s["config"]["error"])
    return time.monotonic()


FAULTS: dict[str, Stage] = {
    "capture process killed": _signal("capture", signal.SIGKILL),
    "capture process hangs": _signal("capture", signal.SIGSTOP),
    "camera unplugged, back at another index": _camera_elsewhere,
    "camera gives no pictures, then again": _camera_of("silent"),
    "camera gone, its last picture stays; back": _camera_of("clinging"),
    "sleep and wake": _sleep,
    "virtual camera gone, and back": _output_away,
    "model process killed (as for want of memory)": _signal("model", signal.SIGKILL),
    "model process crashes": _signal("model", signal.SIGSEGV),
    "model process hangs": _signal("model", signal.SIGSTOP),
    "model gone, and back": _model_away,
    "mistake in the configuration file": _bad_edit,
}


if __name__ == "__main__":
    main()
