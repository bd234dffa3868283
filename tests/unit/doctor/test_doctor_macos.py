"""`sdcam doctor` on macOS, with its programs staged. The listings of `systemextensionsctl` are
written after those in obsproject/obs-studio#9638, #10381 and #9912."""

from __future__ import annotations

import json
import plistlib

import pytest
from doctor_stage import Stage

from sdcam.doctor import Verdict, pick
from sdcam.doctor.obs_extension import extensions_in
from sdcam.errors import ExitCode
from sdcam.platforms.avfoundation import Authorization

OBS = "com.obsproject.obs-studio.mac-camera-extension"
LISTING = """\
3 extension(s)
--- com.apple.system_extension.cmio (Go to 'System Settings > General > Login Items & Extensions \
> Camera Extensions' to modify these system extension(s))
enabled\tactive\tteamID\tbundleID (version)\tname\t[state]
2023-09-29 22:19:25.924 systemextensionsctl[5:3] Cannot getLocalizedStringForKey: Completely failed
{marks}\t2MMRE5MTB8\t{obs} (32.1.1/23916622335)\tOBS Virtual Camera\t[{state}]
*\t*\tR84MX49LQY\tcom.example.webcam.extension (1.0/1)\tExtension\t[activated enabled]
--- com.apple.system_extension.network_extension
enabled\tactive\tteamID\tbundleID (version)\tname\t[state]
*\t*\tJ6S6Q257EK\tcom.example.vpn (3.3.2/23)\tVPN\t[activated enabled]
"""
CAMERAS = {
    "SPCameraDataType": [
        {
            "_name": "FaceTime HD Camera",
            "spcamera_model-id": "FaceTime HD Camera",
            "spcamera_unique-id": "0x1",
        }
    ]
}


@pytest.fixture
def stage(tmp_path, monkeypatch):
    stage = Stage(tmp_path, monkeypatch)
    stage.facts.update(platform="darwin", machine="arm64")
    stage.report = json.dumps(CAMERAS)
    return stage


def obs(stage: Stage, state: str, marks: str = "*\t*") -> None:
    stage.program("systemextensionsctl", LISTING.format(obs=OBS, state=state, marks=marks))


def test_extension_listing_is_parsed():
    blanks = f"    * 2MMRE5MTB8 {OBS} (32.1.1/239) OBS Camera [activated waiting for user]"
    (found,) = extensions_in(f"enabled active teamID bundleID (version) name [state]\n{blanks}\n")
    assert (found.bundle, found.version, found.state) == (
        OBS,
        "32.1.1/239",
        "activated waiting for user",
    )
    assert len(extensions_in(LISTING.format(obs=OBS, state="activated enabled", marks="*\t*"))) == 3


@pytest.mark.parametrize(
    ("state", "said", "fix"),
    [
        ("activated waiting for user", "waits for your approval", "turn OBS on"),
        ("activated disabled", "is turned off", "turn OBS on"),
        ("activated waiting to reboot", "after a restart", "Restart the Mac"),
        ("activated waiting to upgrade", "being replaced", "Restart the Mac"),
        ("terminated waiting to uninstall on reboot", "was removed", "Start Virtual Camera"),
        ("terminating for uninstall", "being removed", "Start Virtual Camera"),
        ("something new", 'is "something new"', "Restart the Mac"),
    ],
)
def test_inactive_extension_says_what_to_do(stage, state, said, fix):
    obs(stage, state, marks="\t*")
    found = stage.finding("extension")
    assert said in found.found
    assert any(fix in line for line in found.fix)
    assert found.exit_code is ExitCode.MISSING


def test_old_extension_after_an_update_is_ignored(stage):
    old = f"\t\t2MMRE5MTB8\t{OBS} (30.0.0/1)\tOBS\t[terminated waiting to uninstall on reboot]\n"
    new = f"*\t*\t2MMRE5MTB8\t{OBS} (32.1.1/2)\tOBS\t[activated enabled]\n"
    stage.program("systemextensionsctl", old + new)
    assert stage.finding("extension").found == "OBS's camera extension 32.1.1/2 is active"


def test_extension_not_installed(stage):
    stage.program("systemextensionsctl", "0 extension(s)\n")
    assert "not installed" in stage.finding("extension").found


def test_active_extension_that_no_app_sees(stage):
    obs(stage, "activated enabled")
    found = stage.finding("in apps")
    assert found.found == 'The extension is active, but macOS lists no "OBS Virtual Camera".'
    assert found.fix[0].startswith("Log out of macOS")
    assert found.link.endswith("/9912")


@pytest.mark.parametrize(
    ("version", "verdict", "fix"),
    [
        (None, Verdict.TROUBLE, "brew install --cask obs"),
        ("29.1.3", Verdict.TROUBLE, "brew upgrade --cask obs"),
        ("32.1.1", Verdict.OK, None),
    ],
)
def test_obs_version(stage, version, verdict, fix):
    if version:
        info = plistlib.dumps({"CFBundleShortVersionString": version})
        stage.file("/Applications/OBS.app/Contents/Info.plist", info)
    stage.program("pgrep", code=1)
    found = stage.finding("OBS")
    assert (found.verdict, (*found.fix, None)[0]) == (verdict, fix)


def test_old_macos_and_translated_python(stage):
    stage.facts["machine"] = "x86_64"
    stage.facts["macos_version"] = lambda: "13.6.4"
    stage.program("sysctl", "1\n")
    assert stage.finding("system").found.startswith("macOS 13.6.4")
    assert "Rosetta" in stage.finding("processor").found


def test_missing_compiler_is_a_warning(stage):
    stage.program("xcode-select", code=2)
    assert stage.finding("compiler").fix == ("xcode-select --install",)


def test_size_that_the_extension_does_not_show(stage, monkeypatch):
    monkeypatch.setenv("SDCAM_OUTPUT__WIDTH", "640")
    assert stage.finding("size").found == "OBS Virtual Camera does not show 640x720."


def test_terminal_without_permission(stage):
    stage.facts["authorization"] = lambda: Authorization.DENIED
    found = stage.finding("permission")
    assert found.exit_code is ExitCode.MISSING
    assert "Privacy & Security > Camera" in found.fix[0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("GRANTED", '"StreamDiffusion Cam" may use the camera'),
        ("DENIED", "macOS does not let the app use the camera."),
        ("RESTRICTED", "Screen Time forbids apps the camera."),
        ("NOT_ASKED", "Nobody has answered yet"),
        (None, "did not start"),
    ],
)
def test_app_reports_its_permission(stage, answer, said):
    launcher = stage.home / "Applications/StreamDiffusion Cam.app/Contents/MacOS"
    launcher.mkdir(parents=True)
    (launcher / "StreamDiffusion Cam").touch()
    stage.facts["authorization"] = lambda: Authorization.GRANTED
    told = json.dumps({"authorization": answer})
    # `open ... --args ... FILE`: what the app would write into FILE.
    stage.script("open", f"for last; do :; done; echo '{told}' > \"$last\"" if answer else "exit 1")
    found = stage.finding("permission")
    assert said in found.found
    granted = answer == "GRANTED"
    assert any("This terminal may use it" in line for line in found.fix) is not granted
    assert found.exit_code is (ExitCode.DONE if granted else ExitCode.MISSING)


def test_launch_agent_whose_app_is_gone(stage):
    agent = stage.home / "Library/LaunchAgents/com.streamdiffusion-cam.daemon.plist"
    agent.parent.mkdir(parents=True)
    launcher = "/gone/StreamDiffusion Cam"
    agent.write_bytes(plistlib.dumps({"ProgramArguments": [launcher, "-m", "sdcam"]}))
    agent.chmod(0o644)
    assert f"starts {launcher}, which is gone" in stage.finding("installed").found
    agent.chmod(0o666)
    assert stage.finding("installed").found.startswith(f"Others may write {agent}")


def test_pick_names_obs(stage):
    told = pick(stage.host())
    assert told.name == "OBS Virtual Camera"
    assert "obs-studio/issues/4053" in told.why
