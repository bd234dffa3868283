"""`sdcam obs install`, on machines with OBS, without, and while it runs."""

from __future__ import annotations

import json

import pytest

from sdcam.cli import main
from sdcam.errors import MissingError
from sdcam.obs import caption_file, folder

NAME = "StreamDiffusion_Cam.json"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sdcam.cli.obs._SYSTEM", "darwin")
    running(monkeypatch, False)
    return tmp_path


def running(monkeypatch, is_so):
    monkeypatch.setattr("sdcam.obs.is_running", lambda: is_so)


@pytest.fixture
def obs(home):
    obs = home / "Library/Application Support/obs-studio"
    obs.mkdir(parents=True)
    return obs


def test_collection_is_installed(obs, capsys):
    assert main(["obs", "install"]) == 0
    file = obs / "basic" / "scenes" / NAME
    assert json.loads(file.read_text())["name"] == "StreamDiffusion Cam"
    assert str(file) in capsys.readouterr().out


def test_install_writes_the_first_caption(obs):
    main(["obs", "install"])
    assert caption_file().read_text()


def test_install_keeps_the_caption_of_a_running_service(obs):
    caption_file().parent.mkdir(parents=True)
    caption_file().write_text("what it paints now")
    main(["obs", "install"])
    assert caption_file().read_text() == "what it paints now"


def test_changed_collection_names_force(obs, capsys):
    main(["obs", "install"])
    file = obs / "basic" / "scenes" / NAME
    file.write_text('{"name": "StreamDiffusion Cam", "mine": true}')
    assert main(["obs", "install"]) == 2
    assert "--force" in capsys.readouterr().err and "mine" in file.read_text()
    assert main(["obs", "install", "--force"]) == 0
    assert "mine" not in file.read_text()


def test_second_install_says_unchanged(obs, capsys):
    main(["obs", "install"])
    assert main(["obs", "install"]) == 0
    assert "there already" in capsys.readouterr().out


def test_missing_obs_names_the_package(home, capsys):
    assert main(["obs", "install"]) == 3
    said = capsys.readouterr().err
    assert "brew install --cask obs" in said and "--folder" in said
    assert not (home / "Library").exists()


def test_running_obs_is_refused(obs, monkeypatch, capsys):
    running(monkeypatch, True)
    assert main(["obs", "install"]) == 1
    assert "Quit OBS" in capsys.readouterr().err
    assert not list(obs.rglob("*.json"))


def test_folder_option_needs_no_obs(home, tmp_path, monkeypatch):
    running(monkeypatch, True)
    (tmp_path / "mine").mkdir()
    assert main(["obs", "install", "--folder", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / NAME).exists()


def test_linux_fills_the_node_into_every_obs(home, monkeypatch):
    monkeypatch.setattr("sdcam.cli.obs._SYSTEM", "linux")
    nodes = {"My Cam": "/dev/video4"}
    monkeypatch.setattr("sdcam.platforms.loopback.find_loopback", nodes.__getitem__)
    monkeypatch.setenv("SDCAM_OUTPUT__DEVICE", "My Cam")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    places = [home / ".config", home / ".var/app/com.obsproject.Studio/config"]
    for place in places:
        (place / "obs-studio").mkdir(parents=True)
    assert main(["obs", "install"]) == 0
    for place in places:
        sources = json.loads((place / "obs-studio/basic/scenes" / NAME).read_text())["sources"]
        assert sources[0]["settings"]["device_id"] == "/dev/video4"


def test_linux_without_the_camera_installs_nothing(home, monkeypatch, capsys):
    def missing(device):
        raise MissingError(f'There is no virtual camera "{device}".', "Load it.")

    monkeypatch.setattr("sdcam.cli.obs._SYSTEM", "linux")
    monkeypatch.setattr("sdcam.platforms.loopback.find_loopback", missing)
    assert main(["obs", "install", "--folder", str(home)]) == 3
    assert "no virtual camera" in capsys.readouterr().err and not list(home.glob("*.json"))


def test_unsupported_system_is_named(monkeypatch, capsys):
    monkeypatch.setattr("sdcam.cli.obs._SYSTEM", "win32")
    assert main(["obs", "install"]) == 2
    assert "win32" in capsys.readouterr().err


def test_only_this_users_obs_counts_as_running(monkeypatch):
    class Process:
        def __init__(self, name, uid):
            self.info = {"name": name, "uids": uid if uid is None else (0, uid, 0)}

    def running_with(*processes):
        monkeypatch.setattr("psutil.process_iter", lambda wanted: processes)
        return folder.is_running()

    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert running_with(Process("bash", 1000), Process("obs", 1000))
    assert running_with(Process("OBS", 1000))
    assert not running_with(Process("obs", 1001), Process("obs", None), Process("bash", 1000))
