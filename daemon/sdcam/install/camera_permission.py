"""Whether macOS grants the app the camera, and how macOS is made to ask the user.

macOS asks once, in the name of the program that first opens a camera. So `sdcam service install`
opens the app (`ask_through`), and the app opens the camera (`ask`).
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from sdcam.errors import SdcamError
from sdcam.platforms.avfoundation import Authorization, camera_authorization
from sdcam.platforms.names import APP_IDENTIFIER, CAMERA_NAME
from sdcam.platforms.tool import call

_ANSWER_SECONDS = 120.0  # for the user
_POLL_SECONDS = 0.2
_SETTINGS = "System Settings > Privacy & Security > Camera"


class Answer(Enum):
    """What came of asking: a sentence, and what to do next."""

    GRANTED = ("The app may use the camera.", "")
    DENIED = (
        "macOS does not let the app use the camera.",
        f'Turn "{CAMERA_NAME}" on in {_SETTINGS}, then `sdcam service restart`.',
    )
    RESTRICTED = (
        "The management of this Mac or Screen Time forbids apps the camera.",
        "The administrator of this Mac can allow it.",
    )
    UNANSWERED = (
        "Nobody has answered yet whether the app may use the camera.",
        f'Answer macOS\'s question, or turn "{CAMERA_NAME}" on in {_SETTINGS}; '
        "`sdcam service install` makes macOS ask.",
    )
    NO_PICTURES = (
        "macOS says that the app may use the camera, but no picture came.",
        "Close other programs that use the camera. If that does not help: `tccutil reset Camera "
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


ANSWERS = {
    Authorization.GRANTED: Answer.GRANTED,
    Authorization.NOT_ASKED: Answer.UNANSWERED,
    Authorization.DENIED: Answer.DENIED,
    Authorization.RESTRICTED: Answer.RESTRICTED,
}


def ask(
    try_camera: Callable[[], Answer] | None = None,
    authorization: Callable[[], Authorization] = camera_authorization,
    patience: float = _ANSWER_SECONDS,
) -> Answer:
    """Makes macOS ask, waits for the user's answer, and checks whether pictures come. Runs inside
    the app, on its main thread.

    Args:
        try_camera: opens the camera for a moment. The first time, this makes macOS ask.
        patience: seconds for the user to answer.
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
    return try_camera() if now is Authorization.GRANTED else ANSWERS[now]


def ask_through(app: Path) -> Answer:
    """Opens the app, so that macOS asks in its name; a program started from a terminal would make
    macOS ask in the terminal's name."""
    words = ("service", "ask-permission", "--report")
    report = report_of_app(app, words, _ANSWER_SECONDS + 60, in_front=True)
    return Answer.__members__.get(report.get("answer", ""), Answer.NO_REPORT)


def report_of_app(
    app: Path, words: Sequence[str], seconds: float, in_front: bool = False
) -> dict[str, Any]:
    """Runs `sdcam WORDS FILE` inside the app and returns the JSON that it writes into FILE. Empty
    if the app does not start, or does not end within `seconds`."""
    with tempfile.TemporaryDirectory(prefix="sdcam-") as folder:
        file = Path(folder) / "report.json"
        # -n: a new process, even if the app runs; -W: wait for its end; -g: in the background.
        options = ["-n", "-W"] if in_front else ["-n", "-W", "-g"]
        command: list[str | Path] = [
            "open",
            *options,
            "-a",
            app,
            "--args",
            "-m",
            "sdcam",
            *words,
            file,
        ]
        with contextlib.suppress(SdcamError):  # then there is no report
            call(*command, seconds=seconds)
        try:
            report = json.loads(file.read_text())
        except (OSError, ValueError):
            return {}
        return report if isinstance(report, dict) else {}


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
