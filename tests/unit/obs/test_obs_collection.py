"""The scene collection, its feeds, and the folders of OBS that it is installed into."""

from __future__ import annotations

import json

import pytest

from sdcam import resources
from sdcam.errors import MissingError, UsageError
from sdcam.obs import COLLECTION, Feeds, ObsFolder, filled_in, find_obs, install
from sdcam.platforms.names import OBS_DEVICE_UID

SYSTEMS = ("linux", "darwin")


@pytest.fixture
def feeds(tmp_path):
    return Feeds("/dev/video7", tmp_path / "prompt.txt", tmp_path / "pair.sock")


def sources_of(content):
    return {source["name"]: source for source in json.loads(content)["sources"]}


@pytest.mark.parametrize("system", SYSTEMS)
def test_scene_items_name_existing_sources(system, feeds):
    content = filled_in(system, feeds)
    sources = sources_of(content)
    scenes = {name for name, source in sources.items() if source["id"] == "scene"}
    assert {s["name"] for s in json.loads(content)["scene_order"]} == scenes
    assert json.loads(content)["current_scene"] in scenes and len(scenes) == 3
    shown = [item["name"] for s in scenes for item in sources[s]["settings"]["items"]]
    assert set(shown) == set(sources) - scenes  # and every source is used


@pytest.mark.parametrize("system", SYSTEMS)
def test_feeds_are_filled_in(system, feeds):
    sources = sources_of(filled_in(system, feeds))
    assert sources["Prompt"]["settings"]["text_file"] == str(feeds.caption)
    pair = sources["Camera and styled picture"]["settings"]
    assert pair["input"] == f"unix:{feeds.side_by_side}"
    assert pair["close_when_inactive"], "the service would encode pictures that nobody sees"


def test_camera_source_of_each_system(feeds):
    linux = sources_of(filled_in("linux", feeds))["Styled camera"]
    assert (linux["id"], linux["settings"]["device_id"]) == ("v4l2_input", "/dev/video7")
    macos = sources_of(filled_in("darwin", feeds))["Styled camera"]
    assert macos["id"] == "macos-avcapture"
    assert macos["settings"]["device"] == OBS_DEVICE_UID


@pytest.mark.parametrize("system", SYSTEMS)
def test_items_scale_with_the_canvas(system, feeds):
    content = filled_in(system, feeds, (1280, 720))
    assert json.loads(content)["resolution"] == {"x": 1280, "y": 720}
    fitted = sources_of(content)
    picture = fitted["Styled picture"]["settings"]["items"][0]
    assert picture["bounds"] == {"x": 1280, "y": 720} and picture["pos"] == {"x": 0, "y": 0}
    assert picture["bounds_type"] == 2  # fitted inside, its shape kept
    caption = fitted["With the prompt"]["settings"]["items"][1]
    assert caption["pos"]["y"] + caption["bounds"]["y"] < 720


@pytest.mark.parametrize("system", SYSTEMS)
def test_packaged_files_can_be_imported(system):
    name = {"linux": "Linux", "darwin": "macOS"}[system]
    file = resources.obs_scene(f"{COLLECTION} ({name}).json")
    assert json.loads(file.read_text())["name"] == COLLECTION


def test_second_install_writes_nothing(tmp_path):
    file, written = install(tmp_path, b'{"name": "StreamDiffusion Cam"}')
    assert written and file == tmp_path / "StreamDiffusion_Cam.json"
    before = file.stat()
    assert install(tmp_path, b'{"name": "StreamDiffusion Cam"}') == (file, False)
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_changed_collection_needs_force(tmp_path):
    mine = tmp_path / "Untitled.json"  # OBS goes by the name inside
    mine.write_text('{"name": "StreamDiffusion Cam", "sources": ["mine"]}')
    with pytest.raises(UsageError, match=r"Untitled\.json.*--force"):
        install(tmp_path, b"{}")
    assert "mine" in mine.read_text()
    assert install(tmp_path, b"{}", force=True) == (mine, True)
    assert mine.read_bytes() == b"{}"


def test_other_collections_stay(tmp_path):
    others = {"a.json": "{}", "b.json": "not json", "c.json": "[]"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    install(tmp_path, b"{}", force=True)
    assert {name: (tmp_path / name).read_text() for name in others} == others
    assert len(list(tmp_path.iterdir())) == 4


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(MissingError, match="nowhere"):
        install(tmp_path / "nowhere", b"{}")


def test_obs_folders_are_found(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert find_obs("linux", tmp_path) == find_obs("darwin", tmp_path) == []
    own = tmp_path / ".config" / "obs-studio"
    flatpak = tmp_path / ".var/app/com.obsproject.Studio/config/obs-studio"
    macos = tmp_path / "Library/Application Support/obs-studio"
    for folder in (own, flatpak, macos):
        folder.mkdir(parents=True)
    assert [each.path for each in find_obs("linux", tmp_path)] == [own, flatpak]
    assert [each.path for each in find_obs("darwin", tmp_path)] == [macos]


@pytest.mark.parametrize("file", ["user.ini", "global.ini"])
def test_canvas_of_the_current_profile(tmp_path, file):
    obs = ObsFolder("OBS", tmp_path)
    assert obs.canvas() == (1920, 1080)
    (tmp_path / file).write_text("\ufeff[Basic]\nProfileDir=Big\n", encoding="utf-8")
    profile = tmp_path / "basic" / "profiles" / "Big"
    profile.mkdir(parents=True)
    (profile / "basic.ini").write_text("\ufeff[Video]\nBaseCX=2560\nBaseCY=1440\nFile=%CCYY\n")
    assert obs.canvas() == (2560, 1440)


@pytest.mark.parametrize("text", ["[Video]\nBaseCX=wide\n", "no section", "[Video]\nBaseCX=0\n"])
def test_unreadable_profile_means_default_canvas(tmp_path, text):
    (tmp_path / "user.ini").write_text("[Basic]\nProfileDir=P\n")
    (tmp_path / "basic" / "profiles" / "P").mkdir(parents=True)
    (tmp_path / "basic" / "profiles" / "P" / "basic.ini").write_text(text)
    assert ObsFolder("OBS", tmp_path).canvas() == (1920, 1080)
