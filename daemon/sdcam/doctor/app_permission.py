"""The app in whose name macOS gives the service the camera, asked for itself.

Only the app can say what the app may do: macOS answers every program about itself alone, and its
database is closed to all without full disk access.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from sdcam.doctor.check import Finding, missing, ok
from sdcam.doctor.world import World
from sdcam.errors import SdcamError
from sdcam.install.app_bundle import AppBundle
from sdcam.install.camera_permission import Answer

_ASK_SECONDS = 15.0
_LOOK_SECONDS = 40.0  # a camera that wakes up


def app(world: World) -> Path | None:
    """Where it lies; None before `sdcam service install`."""
    bundle = AppBundle()
    return bundle.path if bundle.launcher.exists() else None


def app_authorization(world: World) -> str:
    """The name of its `Authorization`; "" where it does not start. Asks nobody, opens nothing."""
    return _told_by_app(world, ("doctor", "--authorization"), "authorization", _ASK_SECONDS)


def pictures_through_app(world: World) -> Finding:
    """For an app that has the permission: whether pictures come."""
    words = ("service", "ask-permission", "--report")
    told = _told_by_app(world, words, "answer", _LOOK_SECONDS)
    answer = Answer[told] if told in Answer.__members__ else Answer.NO_REPORT
    if answer is Answer.GRANTED:
        return ok("come, through the app")
    return missing(answer.sentence, answer.todo)


def _told_by_app(world: World, words: tuple[str, ...], key: str, seconds: float) -> str:
    with tempfile.TemporaryDirectory(prefix="sdcam-") as folder:
        report = Path(folder) / "report.json"
        # -n: a new process; -g: not in front of what the user does; -W: until it has ended.
        app_words = ("-n", "-g", "-W", "-a", AppBundle().path, "--args", "-m", "sdcam")
        try:
            world.run("open", *app_words, *words, report, seconds=seconds)
        except SdcamError:
            return ""
        try:
            return str(json.loads(report.read_text())[key])
        except (OSError, ValueError, KeyError, TypeError):
            return ""
