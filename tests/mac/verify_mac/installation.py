"""The installation, and what needs no device: the tests, the demo, the doctor."""

from __future__ import annotations

import sys

from verify_mac.mac import Mac
from verify_mac.step import Result, Step, failed, passed

_LAST_LINES = 30
_UNKNOWN = "could not be found out"
_FIRST_STYLES = "0.5"  # seconds a style


def _install(mac: Mac) -> Result:
    venv = sys.prefix  # the one that this runs in
    done = mac.run("make", f"VENV={venv}", f"{venv}/.installed-dev", seconds=1800)
    if not done.ok:
        return failed(f"make ended with {done.code}: {done.last_line}", done.said)
    return passed("A venv with everything that the converters need.", mac.sdcam("--version").said)


def _tests(mac: Mac) -> Result:
    done = mac.run("make", "test", seconds=3600)
    lines = done.said.splitlines()
    evidence = "\n".join(lines[-_LAST_LINES:])
    if not done.ok:
        return failed(f"make test ended with {done.code}.", evidence)
    summary = next((line for line in reversed(lines) if " passed" in line), "all of them")
    return passed(summary.strip("= "), evidence)


def _demo(mac: Mac) -> Result:
    words = ("demo", "--directory", mac.work, "--seconds-per-style", _FIRST_STYLES)
    done = mac.sdcam(*words, seconds=300)
    film = mac.work / "demo.mp4"
    if not done.ok or not film.exists() or not film.stat().st_size:
        return failed(f"sdcam demo ended with {done.code}: {done.last_line}", done.said)
    return passed(f"demo.mp4 of {film.stat().st_size / 1e6:.1f} MB.", done.said)


def _torch_on_metal(mac: Mac) -> Result:
    words = ("run", "--source", "test", "--output", "null", "--seconds", "10", "--json")
    done = mac.sdcam(*words, "--engine", "torch:mps", seconds=180)
    summary = done.json()
    if not done.ok or not summary or not summary["frames"]["styled"]:
        return failed(f"No picture from torch:mps: {done.last_line}", done.said)
    return passed(f"{summary['fps_average']['model']} fps of the embedded model.", done.said)


def _doctor(mac: Mac) -> Result:
    """Troubles of this Mac are no failure; a question without an answer is."""
    done = mac.sdcam("doctor", "--json", *([] if mac.attended else ["--no-camera"]), seconds=180)
    told = done.json()
    if told is None:
        return failed(f"No answer from the doctor: {done.last_line}", done.said)
    lines = [f"{c['verdict']:8} {c['group']}: {c['name']}: {c['found']}" for c in told["checks"]]
    evidence = "\n".join(line for line in lines if not line.startswith("not applicable"))
    unknown = [c["name"] for c in told["checks"] if _UNKNOWN in c["found"]]
    if unknown:
        return failed(f"Could not be found out: {', '.join(unknown)}.", evidence)
    troubles = [c["name"] for c in told["checks"] if c["verdict"] == "trouble"]
    return passed(
        f"Every question is answered; troubles here: {', '.join(troubles) or 'none'}.", evidence
    )


STEPS = (
    Step(
        "install",
        "Makes a venv with the package, its tests and its converters.",
        "pip installs it all and `sdcam --version` answers.",
        _install,
    ),
    Step(
        "tests",
        "Runs `make test`.",
        "lint, types and all tests pass.",
        _tests,
        row="tests",
        needs=("install",),
    ),
    Step(
        "demo",
        "Runs `sdcam demo`: the embedded model by OpenVINO.",
        "it writes a film.",
        _demo,
        row="openvino",
        needs=("install",),
    ),
    Step(
        "mps",
        "Runs the embedded model by torch on Metal for 10 s.",
        "pictures come.",
        _torch_on_metal,
        row="torch-mps",
        needs=("install",),
    ),
    Step(
        "doctor",
        "Runs `sdcam doctor --json`.",
        "no question is left open; what it finds wrong with this Mac is evidence, no failure.",
        _doctor,
        row="doctor",
        needs=("install",),
    ),
)
