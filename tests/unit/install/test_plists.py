"""The property lists have only keys that macOS documents, of the types that it documents."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from sdcam import __version__, resources
from sdcam.install import app_bundle, launchd
from sdcam.platforms import names

# launchd.plist(5), macOS 15: the keys of an agent that have nothing to do with sockets, timers or
# watched files. A key that is not here is a spelling mistake, or has to be looked up and added.
LAUNCHD_KEYS = {
    "Label": str,
    "Disabled": bool,
    "Program": str,
    "BundleProgram": str,
    "ProgramArguments": list,
    "EnvironmentVariables": dict,
    "WorkingDirectory": str,
    "Umask": int,
    "RunAtLoad": bool,
    "KeepAlive": (bool, dict),
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "TimeOut": int,
    "StandardInPath": str,
    "StandardOutPath": str,
    "StandardErrorPath": str,
    "LimitLoadToSessionType": (str, list),
    "AssociatedBundleIdentifiers": (str, list),
    "ProcessType": str,
    "Nice": int,
    "LowPriorityIO": bool,
    "LowPriorityBackgroundIO": bool,
    "AbandonProcessGroup": bool,
    "EnableTransactions": bool,
    "EnablePressuredExit": bool,
    "MaterializeDatalessFiles": bool,
    "SoftResourceLimits": dict,
    "HardResourceLimits": dict,
    "Debug": bool,
    "WaitForDebugger": bool,
}
KEEP_ALIVE_KEYS = {
    "SuccessfulExit": bool,
    "Crashed": bool,
    "PathState": dict,
    "OtherJobEnabled": dict,
}
PROCESS_TYPES = {"Background", "Standard", "Adaptive", "Interactive"}
SESSION_TYPES = {"Aqua", "Background", "LoginWindow", "StandardIO", "System"}

# "Information Property List" in Apple's documentation of bundle resources.
INFO_KEYS = {
    "CFBundleIdentifier": str,
    "CFBundleName": str,
    "CFBundleDisplayName": str,
    "CFBundleExecutable": str,
    "CFBundlePackageType": str,
    "CFBundleInfoDictionaryVersion": str,
    "CFBundleShortVersionString": str,
    "CFBundleVersion": str,
    "LSMinimumSystemVersion": str,
    "LSUIElement": bool,
    "NSCameraUsageDescription": str,
    "NSCameraUseContinuityCameraDeviceType": bool,
}

LAUNCHER = Path(
    "/Users/Zoë <z>/Applications/StreamDiffusion Cam.app/Contents/MacOS/StreamDiffusion Cam"
)
LOGS = Path("/Users/Zoë <z>/Library/Logs/streamdiffusion-cam")


def check(plist, keys):
    for key, value in plist.items():
        assert key in keys, key
        expected = keys[key]
        assert isinstance(value, expected), key
        if expected is int or expected is str:  # a bool is an int to Python, and not to macOS
            assert type(value) is expected, key


@pytest.fixture(params=["as it lies there", "rendered"])
def agent(request):
    if request.param == "rendered":
        return plistlib.loads(launchd.render(LAUNCHER, LOGS, Path("/etc/cam.toml")))
    return plistlib.loads(resources.launchd("com.streamdiffusion-cam.daemon.plist").read_bytes())


def test_the_agent_has_documented_keys_of_the_right_types(agent):
    check(agent, LAUNCHD_KEYS)
    check(agent["KeepAlive"], KEEP_ALIVE_KEYS)
    assert agent["ProcessType"] in PROCESS_TYPES
    assert agent["LimitLoadToSessionType"] in SESSION_TYPES
    assert all(type(word) is str for word in agent["ProgramArguments"])


def test_the_agent_does_what_the_service_needs(agent):
    assert agent["Label"] == names.LAUNCHD_LABEL
    assert agent["ProcessType"] == "Interactive"
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["RunAtLoad"] is True
    assert agent["AssociatedBundleIdentifiers"] == [names.APP_IDENTIFIER]


def test_the_file_is_named_as_its_label():
    assert resources.launchd(f"{names.LAUNCHD_LABEL}.plist").is_file()


def test_rendered_nothing_is_left_to_fill_in():
    text = launchd.render(LAUNCHER, LOGS).decode()
    agent = plistlib.loads(text.encode())
    assert agent["ProgramArguments"] == [str(LAUNCHER), "-m", "sdcam", "run", "--service"]
    assert agent["StandardErrorPath"] == f"{LOGS}/launchd.log"
    assert "LAUNCHER" not in text
    assert "LOGS/" not in text


def test_the_apps_info_has_documented_keys_of_the_right_types():
    info = plistlib.loads(app_bundle._info())
    check(info, INFO_KEYS)
    assert set(info) == set(INFO_KEYS)  # none of them can be done without
    assert info["CFBundleIdentifier"] == names.APP_IDENTIFIER
    assert info["CFBundleExecutable"] == names.CAMERA_NAME == info["CFBundleName"]
    assert info["CFBundleVersion"] == __version__
    assert info["NSCameraUsageDescription"].endswith(".")
