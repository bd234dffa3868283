"""The scene collection in a real OBS, under Xvfb, asked and photographed through obs-websocket.

    sudo apt install obs-studio xvfb; pip install obsws-python
    python tests/e2e/obs_scene.py FOLDER        writes what OBS shows as PNG into FOLDER

obs-websocket listens on every interface, so everything runs in a network namespace of its own.
One source is swapped: "Styled camera" plays a film that `sdcam` recorded before, as there is no
v4l2 device in a container. The feeds of the other two come from a running `sdcam`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sdcam.service.obs import (
    Feeds,
    ObsFolder,
    caption_file,
    filled_in,
    install,
    side_by_side_socket,
)

DISPLAY = ":77"
WIDTH, HEIGHT = 640, 360
SCENES = ["Styled picture", "Side by side", "With the prompt"]
GLOBAL = """[General]
FirstRun=true
LastVersion=486539266
Pre19Defaults=false
Pre21Defaults=false
Pre23Defaults=false
Pre24.1Defaults=false

[OBSWebSocket]
FirstLoad=false
ServerEnabled=true
ServerPort=4455
AlertsEnabled=false
AuthRequired=false
ServerPassword=x

[Basic]
Profile=Untitled
ProfileDir=Untitled
"""
PROFILE = """[General]
Name=Untitled
[Video]
BaseCX=1280
BaseCY=720
OutputCX=1280
OutputCY=720
FPSCommon=20
"""
COMPLAINT = re.compile(
    r"warn|error|fail|missing|not found|unable|could ?n.t|cannot|invalid|no such|unknown", re.I
)
TIMES = re.compile(r"^\d\d:\d\d:\d\d\.\d+: ")
EMPTY = {"name": "Empty", "current_scene": "Empty", "scene_order": [{"name": "Empty"}],
         "sources": [{"id": "scene", "name": "Empty", "settings": {"items": []}}]}  # fmt: skip


def main(pictures: Path) -> None:
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="obs-") as name:
        home = Path(name)
        os.environ.update(_surroundings(home))
        film = home / "film.mp4"
        _sdcam("run", "--source", "test", "--prompt", "anime", "--output", f"file:{film}",
               "--seconds", "8", "--set", "service.socket=" + str(home / "film.sock"))  # fmt: skip
        obs = _fresh_obs(home)
        usual = _complaints_with_an_empty_collection(home, obs)
        _install(obs, film)
        with _obs(home, "StreamDiffusion Cam") as client:
            with _service(home):
                _look(client, pictures, film)
            new = _complaints(obs) - usual  # before OBS notices that the service went away
            _wait(lambda: _picture(client, SCENES[1]).max() == 0, "the side by side is empty", 10)
            with _service(home):
                _is_back(client)
        print("OBS complains of:", *(sorted(new) or ["nothing"]), sep="\n  ")
        assert not new


def _surroundings(home: Path) -> dict[str, str]:
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_RUNTIME_DIR": str(runtime),
        "DISPLAY": DISPLAY,
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "QT_QPA_PLATFORM": "xcb",
    }


def _fresh_obs(home: Path) -> ObsFolder:
    obs = ObsFolder("OBS", home / ".config" / "obs-studio")
    profile = obs.path / "basic" / "profiles" / "Untitled"
    profile.mkdir(parents=True)
    obs.scenes.mkdir()
    (obs.path / "global.ini").write_text(GLOBAL)
    (profile / "basic.ini").write_text(PROFILE)
    assert obs.canvas() == (1280, 720)
    return obs


def _complaints_with_an_empty_collection(home: Path, obs: ObsFolder) -> set[str]:
    """A machine without a desktop, a sound card and a camera has its own."""
    (obs.scenes / "Empty.json").write_text(json.dumps(EMPTY))
    with _obs(home, "Empty"):
        time.sleep(2)
    found = _complaints(obs)
    shutil.rmtree(obs.path / "logs")
    return found


def _install(obs: ObsFolder, film: Path) -> None:
    feeds = Feeds("/dev/video10", caption_file(), side_by_side_socket())
    file, written = install(obs.scenes, filled_in("linux", feeds, obs.canvas()))
    assert written
    collection = json.loads(file.read_text())
    camera = next(s for s in collection["sources"] if s["name"] == "Styled camera")
    assert camera["id"] == "v4l2_input"
    camera.update(id="ffmpeg_source", versioned_id="ffmpeg_source")
    camera["settings"] = {"local_file": str(film), "looping": True}
    file.write_text(json.dumps(collection))
    print('swapped: "Styled camera" plays a film in place of the v4l2 device')


def _look(client: Any, pictures: Path, film: Path) -> None:
    print("OBS", client.get_version().obs_version)
    names = [scene["sceneName"] for scene in client.get_scene_list().scenes]
    assert sorted(names) == sorted(SCENES), names
    assert {"v4l2_input", "ffmpeg_source", "text_ft2_source_v2"} <= set(
        client.get_input_kind_list(False).input_kinds
    )
    known = {each["inputName"] for each in client.get_input_list().inputs}
    for scene in SCENES:
        items = client.get_scene_item_list(scene).scene_items
        assert items and all(item["sourceName"] in known for item in items), items
        print(f"{scene}: {', '.join(item['sourceName'] for item in items)}")

    styled = _scene(client, pictures, SCENES[0])
    distance = _distance_to_film(styled, film)
    print(f"{SCENES[0]}: {distance:.1f} of 255 from the film's nearest frame")
    assert distance < 10 and styled.std() > 20

    pair = _scene(client, pictures, SCENES[1], seconds=6)
    left, right = pair[90:270, : WIDTH // 2], pair[90:270, WIDTH // 2 :]
    print(f"{SCENES[1]}: contrast {left.std():.0f} left, {right.std():.0f} right")
    assert left.std() > 20 and right.std() > 20 and _distance(left, right) > 8
    time.sleep(1)
    assert _distance(pair, _picture(client, SCENES[1])) > 0.5, "it stands still"
    _sdcam("pause")
    paused = time.monotonic()
    _wait(lambda: _picture(client, SCENES[1]).max() < 10, "the side by side is dark", 10)
    print(f"{SCENES[1]}: dark {time.monotonic() - paused:.2f} s after the pause")
    _sdcam("resume")

    before = _scene(client, pictures, SCENES[2])
    band = slice(int(HEIGHT * 0.7), HEIGHT)
    assert (before[band] > 245).all(axis=2).sum() > 200, "no letters"
    _sdcam("prompt", "a night train in the rain, woodcut, and words enough to fill a second line "
           "of the caption")  # fmt: skip
    after = _scene(client, pictures, SCENES[2], "new prompt", seconds=4)
    assert (after[band] > 245).all(axis=2).sum() > (before[band] > 245).all(axis=2).sum()
    assert _scene(client, pictures, SCENES[1], "again").std() > 20


def _is_back(client: Any) -> None:
    _wait(lambda: _picture(client, SCENES[1]).std() > 20, "the side by side is back", 20)
    print(f"{SCENES[1]}: back after a restart of the service")


def _scene(client: Any, folder: Path, scene: str, note: str = "", seconds: float = 3) -> Any:
    client.set_current_program_scene(scene)
    time.sleep(seconds)
    picture = _picture(client, scene)
    cv2.imwrite(str(folder / f"{scene}{note and f' ({note})'}.png"), picture)
    return picture


def _picture(client: Any, scene: str) -> Any:
    told = client.get_source_screenshot(scene, "png", WIDTH, HEIGHT, -1).image_data
    png = np.frombuffer(base64.b64decode(told.split(",")[1]), np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_COLOR)


def _distance(one: Any, other: Any) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def _distance_to_film(picture: Any, film: Path) -> float:
    reader, nearest = cv2.VideoCapture(str(film)), 255.0
    while (read := reader.read())[0]:
        small = cv2.resize(read[1], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        nearest = min(nearest, _distance(picture, small))
    return nearest


@contextlib.contextmanager
def _service(home: Path) -> Iterator[None]:
    """`sdcam run`, with a picture to show."""

    def running() -> bool:
        told = subprocess.run(_python("status", "--json"), capture_output=True, check=False)
        return told.returncode == 0 and json.loads(told.stdout)["state"] == "running"

    with _started(
        home,
        "sdcam",
        *_python(
            "run", "--source", "test", "--output", "null", "--set", "output.side_by_side=true"
        ),
    ):
        _wait(running, "the service paints", 90)
        yield


@contextlib.contextmanager
def _obs(home: Path, collection: str) -> Iterator[Any]:
    import obsws_python

    logging.getLogger("obsws_python").setLevel(logging.CRITICAL)  # until OBS listens
    words = ("obs", "--multi", "--minimize-to-tray", "--collection", collection)
    with _started(home, "obs", *words):
        deadline = time.monotonic() + 60
        while True:
            try:
                client = obsws_python.ReqClient(host="127.0.0.1", port=4455, timeout=30)
                break
            except OSError:
                assert time.monotonic() < deadline, "OBS does not answer"
                time.sleep(0.5)
        yield client
        client.disconnect()


@contextlib.contextmanager
def _started(home: Path, name: str, *words: str) -> Iterator[None]:
    with (home / f"{name}.out").open("w") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _complaints(obs: ObsFolder) -> set[str]:
    lines = "\n".join(f.read_text(errors="replace") for f in (obs.path / "logs").glob("*.txt"))
    return {TIMES.sub("", line).strip() for line in lines.splitlines() if COMPLAINT.search(line)}


def _python(*words: str) -> list[str]:
    return [sys.executable, "-m", "sdcam", *words]


def _sdcam(*words: str) -> None:
    subprocess.run(_python(*words), check=True, stdout=subprocess.DEVNULL)


def _wait(is_so: Any, what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def _in_a_network_of_its_own() -> None:
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.environ["OBS_SCENE_INSIDE"] = "1"
    script = 'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"'
    os.execvp("unshare", ["unshare", *user, "--net", "sh", "-c", script, "sh", sys.executable,
                          *sys.argv])  # fmt: skip


if __name__ == "__main__":
    if "OBS_SCENE_INSIDE" not in os.environ:
        _in_a_network_of_its_own()
    screen = [
        "Xvfb",
        DISPLAY,
        "-screen",
        "0",
        "1280x800x24",
        "+extension",
        "GLX",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(screen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        main(Path(sys.argv[1]))
    finally:
        server.terminate()
        server.wait()
