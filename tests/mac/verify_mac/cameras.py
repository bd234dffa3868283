"""Whether sdcam lists the cameras of macOS, under the numbers of OpenCV."""

from __future__ import annotations

import re
from typing import Any

from verify_mac.mac import Mac
from verify_mac.step import Result, Step, failed, passed, skipped

_DEVICE = re.compile(r"\] \[\d+\] (?P<name>.+)$")
_FIRST_PICTURE = (
    "import cv2, sys; film = cv2.VideoCapture(sys.argv[1])\n"
    "pictures = [p for ok, p in iter(film.read, (False, None))]\n"
    "cv2.imwrite(sys.argv[2], pictures[-1])"
)


def ffmpeg(mac: Mac) -> str:
    """The one that is installed with the package."""
    asked = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())"
    return mac.python("-c", asked).out.strip()


def avfoundation_names(listing: str) -> list[str] | None:
    """The cameras in what `ffmpeg -f avfoundation -list_devices true` prints, screens left out;
    None where this ffmpeg knows no AVFoundation."""
    if "AVFoundation video devices" not in listing:
        return None
    videos = listing.split("AVFoundation video devices", 1)[1]
    videos = videos.split("AVFoundation audio devices", 1)[0]
    names = [
        found["name"].strip() for line in videos.splitlines() if (found := _DEVICE.search(line))
    ]
    return [name for name in names if not name.startswith("Capture screen")]


def listed(mac: Mac) -> list[dict[str, Any]] | None:
    """As `sdcam cameras` lists them."""
    found = mac.sdcam("cameras", "--json").json()
    return found if isinstance(found, list) else None


def _names(mac: Mac) -> Result:
    profiler = mac.run("system_profiler", "SPCameraDataType", "-json", seconds=60)
    told = mac.run(
        *(ffmpeg(mac), "-hide_banner", "-f", "avfoundation", "-list_devices", "true", "-i", ""),
        seconds=30,
    )
    cameras = listed(mac)
    evidence = f"{profiler.said}\n{told.said}\n{cameras}"
    if cameras is None:
        return failed("`sdcam cameras --json` gave no list.", evidence)
    theirs = avfoundation_names(told.out + told.err)
    if theirs is None:
        return skipped("This ffmpeg knows no AVFoundation.", evidence)
    ours = sorted(re.sub(r" \(\d+\)$", "", camera["name"]) for camera in cameras)
    if ours != sorted(theirs):
        return failed(f"sdcam lists {ours}, AVFoundation {sorted(theirs)}.", evidence)
    if not ours:
        return skipped("There is no camera on this Mac.", evidence)
    return passed(f"Both list {', '.join(ours)}.", evidence)


def _indices(mac: Mac) -> Result:
    """A person looks at a picture of every camera."""
    cameras = [c for c in listed(mac) or [] if not c["why_not"]]
    if not cameras:
        return skipped("There is no camera that could be opened.")
    told, wrong = [], []
    for number, camera in enumerate(cameras):
        film, picture = mac.work / f"me-{number}.mp4", mac.work / f"me-{number}.png"
        source = ("--source", f"camera:{camera['name']}", "--output", f"file:{film}")
        view = ("--set", "look.blend=1.0", "--set", 'model.engine="openvino"')
        done = mac.sdcam("run", *source, *view, "--model", "pocket", "--seconds", "3", seconds=90)
        saved = done.ok and mac.python("-c", _FIRST_PICTURE, film, picture).ok
        told.append(f"{camera['index']} {camera['name']}: {done.last_line}")
        if saved:
            mac.run("open", picture)
        if not (saved and mac.ask(f'Was the picture taken by "{camera["name"]}"?')):
            wrong.append(camera["name"])
    evidence = "\n".join(told)
    if wrong:
        return failed(f"Another camera, or no picture, for: {', '.join(wrong)}.", evidence)
    return passed(f"{len(cameras)} of {len(cameras)} names open the right camera.", evidence)


def _phone(mac: Mac) -> Result:
    cameras = listed(mac) or []
    phones = [camera for camera in cameras if camera["kind"] == "phone"]
    if not phones:
        return skipped("No iPhone is near.", str(cameras))
    if any(phone["is_auto"] for phone in phones):
        return failed("`auto` uses a phone.", str(cameras))
    return passed(f"{phones[0]['name']} is listed, and `auto` does not use it.", str(cameras))


STEPS = (
    Step(
        "cameras",
        "Lists the cameras with `sdcam cameras`, system_profiler and AVFoundation (by ffmpeg).",
        "all list the same names.",
        _names,
        row="camera-names",
        needs=("install",),
    ),
    Step(
        "camera-numbers",
        "Opens every camera by its name; somebody looks whether it is that one.",
        "every picture is of the camera that was named.",
        _indices,
        row="camera-numbers",
        asks=True,
        needs=("install",),
    ),
    Step(
        "phone",
        "Looks for an iPhone among the cameras (Continuity Camera).",
        "one is listed, and `auto` does not take it.",
        _phone,
        row="continuity",
        needs=("install",),
    ),
)
