"""The virtual camera as apps read it: AVFoundation through ffmpeg, and OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verify_mac.bars import HEIGHT, WIDTH, bars_of, judge_bars
from verify_mac.cameras import avfoundation_names, ffmpeg, listed
from verify_mac.mac import Done, Mac
from verify_mac.running import pids_of
from verify_mac.step import Result, Step, failed, passed, skipped

NAME = "OBS Virtual Camera"
_SENDING = 60
_SERVICE = (
    *("run", "--source", "test", "--model", "pocket", "--engine", "openvino"),
    *("--output", "virtual-camera"),
)
_SETTLE = 4.0
_DRIVER = "virtual-camera"  # the process that calls the driver
_GROWTH_MB = 60.0  # in half a minute; frames that nobody frees would be 1600
_READ_BY_NUMBER = (
    "import cv2, sys; c = cv2.VideoCapture(int(sys.argv[1]), cv2.CAP_AVFOUNDATION)\n"
    "for _ in range(30): ok, p = c.read()\n"
    "p = cv2.cvtColor(cv2.resize(p, (1280, 720)), cv2.COLOR_BGR2RGB)\n"
    "open(sys.argv[2], 'wb').write(p.tobytes())"
)


def _obs(mac: Mac) -> dict[str, Any] | None:
    """OBS's camera as `sdcam cameras` lists it."""
    cameras = listed(mac) or []
    return next((camera for camera in cameras if camera["kind"] == "virtual"), None)


def _present(mac: Mac) -> Result:
    """The steps below need it. A Mac without it is not a failure."""
    evidence = mac.run("systemextensionsctl", "list", seconds=20).said
    if _obs(mac) is None:
        return skipped("OBS's camera extension is not active: `sdcam doctor` says why.", evidence)
    return passed(f"macOS lists {NAME}.", evidence)


def judge_picture(path: Path, done: Done) -> Result:
    """What a reader wrote: one frame of packed RGB."""
    if not done.ok or not path.exists():
        return failed(f"No picture: {done.last_line}", done.said)
    frame = path.read_bytes()
    if len(frame) != WIDTH * HEIGHT * 3:
        return failed(f"A picture of {len(frame)} bytes, not {WIDTH}x{HEIGHT}.", done.said)
    bars = bars_of(frame, WIDTH, HEIGHT)
    right, sentence = judge_bars(bars)
    evidence = "\n".join(str(tuple(round(part) for part in bar)) for bar in bars)
    return (passed if right else failed)(sentence, f"{evidence}\n{done.said}")


def _by_avfoundation(mac: Mac) -> Result:
    program, picture = ffmpeg(mac), mac.work / "avfoundation.rgb"
    words = ("-hide_banner", "-f", "avfoundation", "-list_devices", "true", "-i", "")
    told = mac.run(program, *words, seconds=30)
    if avfoundation_names(told.out + told.err) is None:
        return skipped("This ffmpeg knows no AVFoundation.", told.said)
    with mac.beside("-m", "verify_mac.bars", str(_SENDING)):
        mac.wait(_SETTLE)
        read = ("-hide_banner", "-y", "-f", "avfoundation", "-framerate", "60", "-i", NAME)
        # The 30th frame: the first ones may still be the extension's own picture.
        shape = ("-vf", f"select=gte(n\\,30),scale={WIDTH}:{HEIGHT}", "-frames:v", "1")
        raw = ("-pix_fmt", "rgb24", "-f", "rawvideo", picture)
        done = mac.run(program, *read, *shape, *raw, seconds=40)
    return judge_picture(picture, done)


def _by_opencv(mac: Mac) -> Result:
    """The number in our list is OpenCV's when the bars come from there."""
    obs, picture = _obs(mac), mac.work / "opencv.rgb"
    if obs is None:
        return skipped(f"{NAME} is not listed.")
    with mac.beside("-m", "verify_mac.bars", str(_SENDING)):
        mac.wait(_SETTLE)
        done = mac.python("-c", _READ_BY_NUMBER, str(obs["index"]), picture, seconds=40)
    found = judge_picture(picture, done)
    return Result(found.verdict, f"Number {obs['index']}: {found.sentence}", found.evidence)


def _memory(mac: Mac) -> Result:
    """A frame that OBS does not take is never freed (pyvirtualcam). So: does it take them?"""
    with mac.running(*_SERVICE) as end:
        if mac.until(lambda s: s["state"] == "running" and s["seconds"] > 15, 120) is None:
            return failed("It did not begin to send.", end().said)
        before = mac.status()
        mac.wait(30)
        after = mac.status()
        top = mac.run("top", "-l", "1", "-pid", str(pids_of(after or {}).get(_DRIVER, 0)))
        done = end()
    if before is None or after is None:
        return failed("It did not answer.", done.said)
    sizes = [status["processes"][_DRIVER]["memory_mb"] for status in (before, after)]
    sentence = f"The driver's process grew from {sizes[0]:.0f} to {sizes[1]:.0f} MB in 30 s."
    verdict = passed if sizes[1] - sizes[0] < _GROWTH_MB else failed
    return verdict(sentence, f"{top.said}\n{done.said}")


def judge_watchers(alone: object, read: object) -> Result:
    """`watchers` of the status: an empty list means no app, None an app whose name is unknown."""
    evidence = f"alone: {alone!r}, with a reader: {read!r}"
    if alone != []:
        return failed("Our own sending counts as an app that watches.", evidence)
    if read == []:
        return failed("A reader is not noticed.", evidence)
    return passed("No app at first, one while ffmpeg reads.", evidence)


def _watchers(mac: Mac) -> Result:
    with mac.running(*_SERVICE) as end:
        if mac.until(lambda s: s["state"] == "running" and s["seconds"] > 10, 120) is None:
            return failed("It did not begin to send.", end().said)
        alone = mac.status()
        reader = ("-hide_banner", "-f", "avfoundation", "-framerate", "60", "-i", NAME)
        spy = mac.work / "spy.py"
        spy.write_text(f"import subprocess; subprocess.run({[ffmpeg(mac), *reader]!r}"
                       " + ['-t', '8', '-f', 'null', '-'], timeout=30)")  # fmt: skip
        with mac.beside(spy):
            mac.wait(_SETTLE)
            read = mac.status()
        done = end()
    if alone is None or read is None:
        return failed("It did not answer.", done.said)
    return judge_watchers(alone["watchers"], read["watchers"])


def _extension_dies(mac: Mac) -> Result:
    with mac.running(*_SERVICE) as end:
        if mac.until(lambda s: s["state"] == "running", 120) is None:
            return failed("It did not begin to send.", end().said)
        mac.tell("In another terminal: sudo pkill -f mac-camera-extension")
        gone = mac.until(lambda s: bool(s["faults"]), 10)
        back = mac.until(lambda s: s["state"] == "running" and not s["faults"], 30)
        shown = mac.ask(f"Open {NAME} in Photo Booth or QuickTime: does it show the picture?")
        done = end()
    noticed = "noticed" if gone else "not noticed"
    if back is None or not shown:
        return failed(f"The end of the extension was {noticed}; no picture came back.", done.said)
    if gone is None:
        return failed("A picture is back, but the end of the extension went unnoticed.", done.said)
    return passed("Noticed, opened again, the picture is back.", done.said)


def _obs_competes(mac: Mac) -> Result:
    with mac.running(*_SERVICE) as end:
        if mac.until(lambda s: s["state"] == "running", 120) is None:
            return failed("It did not begin to send.", end().said)
        mac.tell("Open OBS and press Start Virtual Camera, then Stop Virtual Camera.")
        noticed = mac.until(lambda s: "takes no frames" in str(s["faults"]), 20)
        back = mac.until(lambda s: s["state"] == "running" and not s["faults"], 30)
        shown = mac.ask(f"Open {NAME} in Photo Booth or QuickTime: does it show the test picture?")
        done = end()
    if back is None or not shown:
        said = "noticed" if noticed else "not noticed"
        return failed(f"OBS's own sending was {said}; the picture did not come back.", done.said)
    how = "Noticed, opened again" if noticed else "Never in the way"
    return passed(f"{how}; the picture is there.", done.said)


STEPS = (
    Step(
        "obs-present",
        "Looks for OBS's camera extension.",
        "macOS lists it as a camera.",
        _present,
        needs=("install",),
    ),
    Step(
        "obs-colours",
        f"Sends colour bars to {NAME} and reads them through AVFoundation (ffmpeg).",
        "all eight bars have their colour: greys within 10, colours within 60 of 255.",
        _by_avfoundation,
        row="obs-colours",
        needs=("obs-present",),
    ),
    Step(
        "obs-number",
        "Reads the same bars with OpenCV, from the number that `sdcam cameras` gives.",
        "the bars come from that number.",
        _by_opencv,
        row="obs-number",
        needs=("obs-present",),
    ),
    Step(
        "obs-memory",
        "Runs the service into the virtual camera while nobody watches.",
        f"the driver's process grows by less than {_GROWTH_MB:.0f} MB in 30 s.",
        _memory,
        row="obs-memory",
        needs=("obs-present",),
    ),
    Step(
        "obs-watchers",
        "Asks the service which apps watch, without and with a reader.",
        "none, then one.",
        _watchers,
        row="obs-watchers",
        needs=("obs-present",),
    ),
    Step(
        "obs-dies",
        "A person ends OBS's extension while the service sends.",
        "the service notices, opens it again, and an app shows the picture.",
        _extension_dies,
        row="obs-dies",
        asks=True,
        needs=("obs-present",),
    ),
    Step(
        "obs-competes",
        "A person starts and stops OBS's own virtual camera while the service sends.",
        "an app shows the service's picture afterwards.",
        _obs_competes,
        row="obs-competes",
        asks=True,
        needs=("obs-present",),
    ),
)
