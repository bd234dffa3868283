"""The LaunchAgent and the app's Info.plist as macOS reads them, and the output of `launchctl`."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from sdcam import __version__
from sdcam.install import app_bundle, launchd
from sdcam.install.launchctl import Job, parse_job
from sdcam.platforms.macos import OLDEST_MACOS
from sdcam.platforms.names import APP_IDENTIFIER, LAUNCHD_LABEL

LAUNCHER = Path(
    "/Users/Zoë <z>/Applications/StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam"
)
LOGS = Path("/Users/Zoë <z>/Library/Logs/streamdiffusion-cam")

# What a camera service needs of launchd.plist(5), and what goes wrong without it.
NEEDED = {
    "Label": LAUNCHD_LABEL,  # the file's name has to be the same
    "ProcessType": "Interactive",  # else throttled; "Background" pins it to efficiency cores
    "LimitLoadToSessionType": "Aqua",  # cameras belong to the user at the screen
    "RunAtLoad": True,
    "KeepAlive": {"SuccessfulExit": False},  # `True` would restart a service that was stopped
    "ThrottleInterval": 10,
    "ExitTimeOut": 30,  # a recording is closed before SIGKILL
    "Umask": 0o077,  # snapshots, recordings and logs are private
    "AssociatedBundleIdentifiers": [APP_IDENTIFIER],  # the name in Login Items
}
FILLED_IN = {
    "ProgramArguments": [str(LAUNCHER), "-m", "sdcam", "run", "--service"],
    "StandardOutPath": f"{LOGS}/launchd.log",
    "StandardErrorPath": f"{LOGS}/launchd.log",
}


def test_launch_agent_has_the_needed_keys():
    """Equality of the whole: launchd ignores a misspelt key without a word."""
    agent = plistlib.loads(launchd.render(LAUNCHER, LOGS))
    assert agent == {**NEEDED, **FILLED_IN}
    assert type(agent["Umask"]) is int


def test_launch_agent_takes_a_configuration():
    agent = plistlib.loads(launchd.render(LAUNCHER, LOGS, Path("/etc/my cam.toml")))
    assert agent["ProgramArguments"][-2:] == ["--config", "/etc/my cam.toml"]


def test_info_plist_has_the_needed_keys():
    info = plistlib.loads(app_bundle.info_plist())
    assert info["CFBundleIdentifier"] == APP_IDENTIFIER  # holds the permission
    assert info["CFBundleExecutable"] == app_bundle.AppBundle().launcher.name
    assert info["NSCameraUsageDescription"]  # without it macOS kills the process
    assert info["NSCameraUseContinuityCameraDeviceType"] is True  # else an iPhone is `auto`
    assert info["LSUIElement"] is True  # no icon in the Dock
    assert info["LSMinimumSystemVersion"] == f"{OLDEST_MACOS}.0"
    assert info["CFBundleVersion"] == info["CFBundleShortVersionString"] == __version__


# The shape of `launchctl print` on macOS 14: properties of the job after one tab, others deeper.
PRINTED = """gui/501/com.streamdiffusion-cam.daemon = {
\tactive count = 1
\tpath = /Users/z/Library/LaunchAgents/com.streamdiffusion-cam.daemon.plist
\ttype = LaunchAgent
\tstate = running

\tprogram = /Users/z/Applications/StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam
\targuments = {
\t\t/Users/z/Applications/StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam
\t\tpid = 3
\t}

\tdomain = gui/501 [100005]
\tminimum runtime = 10
\texit timeout = 30
\truns = 2
\tpid = 4711
\timmediate reason = semaphore
\tlast exit code = (never exited)

\tsemaphores = {
\t\tsuccessful exit => 0
\t}

\tendpoints = {
\t\t"x" = {
\t\t\tstate = active
\t\t}
\t}
}
"""


def test_parse_running_job():
    assert parse_job(PRINTED) == Job("running", 4711, "")


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("last exit code = 0", "0"),
        ("last exit code = 78: EX_CONFIG", "78: EX_CONFIG"),
        ("last terminating signal = Killed: 9", "Killed: 9"),
        ("last exit reason = JETSAM_REASON_MEMORY_HIGHWATER", "JETSAM_REASON_MEMORY_HIGHWATER"),
    ],
)
def test_parse_ended_job(line, last):
    text = PRINTED.replace("state = running", "state = not running", 1)
    text = text.replace("\tpid = 4711\n", "").replace("last exit code = (never exited)", line)
    assert parse_job(text) == Job("not running", None, last)


def test_parse_unknown_format():
    assert parse_job("something else") == Job("unknown", None, "")
