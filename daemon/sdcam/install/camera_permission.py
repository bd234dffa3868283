"""Whether macOS lets the app have the camera; and how it is made to ask.

macOS asks once, in the name of the program that first opens a camera. So `sdcam service install`
opens the app (`ask_through`), and the app, being that program, opens the camera (`ask`).
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from sdcam.errors import SdcamError
from sdcam.install.authorization import Authorization, camera_authorization
from sdcam.install.tool import call
from sdcam.platforms.names import APP_IDENTIFIER, CAMERA_NAME

_HUMAN_SECONDS = 120.0
_POLL_SECONDS = 0.2
_SETTINGS = "System Settings > Privacy & Security > Camera"


class Answer(Enum):
    """(sentence, what to do)"""

    GRANTED = ("The app may use the camera.", "")
    DENIED = (
        "macOS does not let the app have the camera.",
        f'Turn "{CAMERA_NAME}" on in {_SETTINGS}, then `sdcam service restart`.',
    )
    RESTRICTED = (
        "This Mac's management or Screen Time forbids apps the camera.",
        "Whoever manages it can allow it.",
    )
    UNANSWERED = (
        "Nobody has answered yet whether the app may use the camera.",
        f'Answer macOS\'s question, or turn "{CAMERA_NAME}" on in {_SETTINGS}.',
    )
    NO_PICTURES = (
        "The app may use the camera by what macOS says, but no picture came.",
        "See that no other program holds the camera; else `tccutil reset Camera "
        f"{APP_IDENTIFIER}`, then `sdcam service install` again.",
    )
    NO_CAMERA = (
        "No camera is plugged in, so macOS could not ask.",
        "Plug one in, then `sdcam service install` again.",
    )
    NO_REPORT = (
        "The app did not start, so macOS could not ask for the camera.",
        "`sdcam service install` tries again; Console.app shows why an app does not start.",
    )

    @property
    def sentence(self) -> str:
        return self.value[0]

    @property
    def todo(self) -> str:
        return self.value[1]


def ask(
    try_camera: Callable[[], Answer] | None = None,
    authorization: Callable[[], Authorization] = camera_authorization,
    patience: float = _HUMAN_SECONDS,
) -> Answer:
    """Run inside the app, on its main thread: makes macOS ask, waits for the user's answer, and
    sees for itself whether pictures come.

    Args:
        try_camera: opens the camera for a moment; where macOS has not asked yet, that asks.
        patience: seconds for the user to answer in.
    """
    try_camera = try_camera or _try_camera
    tried = try_camera()
    if tried in (Answer.GRANTED, Answer.NO_CAMERA):
        return tried
    deadline = time.monotonic() + patience
    while (now := authorization()) is Authorization.NOT_ASKED:
        if time.monotonic() > deadline:
            return Answer.UNANSWERED
        time.sleep(_POLL_SECONDS)
    if now is Authorization.GRANTED:
        return try_camera()
    return Answer.RESTRICTED if now is Authorization.RESTRICTED else Answer.DENIED


def ask_through(app: Path) -> Answer:
    """Opens the app, so that macOS asks in its name (started from a terminal it would ask in the
    terminal's), and returns what it reported."""
    with tempfile.TemporaryDirectory(prefix="sdcam-") as folder:
        report = Path(folder) / "answer.json"
        # -n: a new process, whatever runs of that app already; -W: until it has ended.
        opened: list[str | Path] = ["open", "-n", "-W", "-a", app, "--args"]
        opened += ["-m", "sdcam", "service", "ask-permission", "--report", report]
        with contextlib.suppress(SdcamError):  # what happened to the app, the report says
            call(*opened, seconds=_HUMAN_SECONDS + 60)
        try:
            return Answer[json.loads(report.read_text())["answer"]]
        except (OSError, ValueError, KeyError, TypeError):
            return Answer.NO_REPORT


def _try_camera() -> Answer:
    from sdcam.capture import choose_camera, list_cameras
    from sdcam.capture.camera import CameraSource
    from sdcam.settings import Settings

    try:
        device = choose_camera("auto", list_cameras())
    except SdcamError:
        return Answer.NO_CAMERA
    try:
        CameraSource(device, Settings().camera).close()
    except SdcamError:
        return Answer.NO_PICTURES
    return Answer.GRANTED
