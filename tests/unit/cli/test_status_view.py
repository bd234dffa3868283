"""The status for people, of services that tell more or less."""

from __future__ import annotations

from sdcam.cli.status import _cut, _show
from sdcam.cli.status_view import rendered, rows_of

FULL = {
    "version": "0.2.0",
    "state": "fault",
    "card": "No camera picture",
    "faults": {"camera": "The camera is gone. Plug it in."},
    "last_fault": "The camera is gone. Plug it in.",
    "seconds": 7384.2,
    "look": {"prompt": "anime", "prompt_text": "studio style"},
    "model": {"name": "sdxs-512", "engine": "coreml:fused", "runtime": None, "size": "512x512"},
    "source": {"name": "FaceTime", "size": "1280x720", "fps": 30.0},
    "outputs": ["StreamDiffusion Cam", "file:a.mp4", "null"],
    "sinks": {"StreamDiffusion Cam": {"send_ms": 0.31}, "file:a.mp4": {"late": 3}},
    "watchers": ["zoom (71)", "obs (72)"],
    "fps": {"camera": 30.0, "model": 28.44, "output": 30.0},
    "latency_ms": {"p50": 61.23, "p95": 75.0},
    "stages_ms": {"encode": 4.0, "unet": 21.0},
    "frames": {"captured": 9, "skipped": 1, "dropped": 0, "blurred": 2},
    "restarts": {"capture": 2, "model": 0},
    "processes": {
        "daemon": {"pid": 10, "memory_mb": 120.0, "cpu_seconds": 10.0},
        "model": {"pid": 11, "memory_mb": 900.4, "cpu_seconds": 100.0},
    },
    "config": {
        "file": "/home/me/config.toml",
        "error": {"mistakes": [{"message": "/home/me/config.toml, line 3: look.strength = 7."}]},
        "restart": ["service.socket"],
    },
}


def shown(status, before=None):
    text = rendered(rows_of(status, before), colour=False)
    return {" ".join(line.split()) for line in text.splitlines()}


def test_everything_that_is_told_is_shown():
    assert shown(FULL) == {
        'state fault, showing the card "No camera picture"',
        "up 2 h 03 min (version 0.2.0)",
        "prompt anime: studio style",
        "model sdxs-512, 512x512",
        "engine coreml:fused",
        "camera FaceTime, 1280x720, 30 fps",
        "output StreamDiffusion Cam (0.31 ms a frame), file:a.mp4 (3 late), null",
        "watched by zoom (71), obs (72)",
        "fps camera 30.0 model 28.4 output 30.0",
        "latency p50 61.2 ms p95 75.0 ms",
        "stages encode 4.0 unet 21.0 ms",
        "frames captured 9 skipped 1 dropped 0 blurred 2",
        "restarts capture 2 model 0",
        "processes daemon 120 MB 10.0 s of CPU pid 10",
        "model 900 MB 100.0 s of CPU pid 11",
        "together 1020 MB",
        "camera fault The camera is gone. Plug it in.",
        "config /home/me/config.toml",
        "config fault /home/me/config.toml, line 3: look.strength = 7.",
        "config service.socket: after `sdcam service restart`",
    }


def test_a_camera_that_is_not_open_is_said_to_be_closed():
    camera = {"name": "FaceTime", "size": "1280x720", "fps": 30.0}
    assert "camera FaceTime, closed" in shown({"source": {**camera, "open": False}})
    assert "camera FaceTime, 1280x720, 30 fps" in shown({"source": {**camera, "open": True}})


def test_a_service_that_tells_nothing_breaks_nothing():
    assert shown({}) == {"state unknown", "output none"}


def test_load_is_reckoned_from_the_status_before():
    later = {
        **FULL,
        "seconds": FULL["seconds"] + 2,
        "processes": {
            "daemon": {"pid": 10, "memory_mb": 120.0, "cpu_seconds": 10.1},
            "model": {"pid": 11, "memory_mb": 900.0, "cpu_seconds": 101.0},
        },
    }
    assert "processes daemon 120 MB 5.0 % CPU pid 10" in shown(later, FULL)
    assert "together 1020 MB 55.0 % CPU" in shown(later, FULL)
    later["processes"]["model"]["pid"] = 12  # replaced: nothing to compare it with
    assert "model 900 MB 101.0 s of CPU pid 12" in shown(later, FULL)


def test_the_load_that_the_service_tells_goes_first():
    told = {"processes": {"model": {"pid": 1, "memory_mb": 1.0, "cpu_percent": 12.5}}}
    assert "processes model 1 MB 12.5 % CPU pid 1" in shown(told)


def test_nobody_watching_and_not_knowing_differ():
    assert "watched by nobody" in shown({"watchers": []})
    assert not any(line.startswith("watched") for line in shown({"watchers": None}))


def test_a_prompt_cannot_steer_the_terminal():
    text = rendered(rows_of({"look": {"prompt": "a\033[2Jb\nc"}}), colour=True)
    assert "\033[2J" not in text
    assert "a [2Jb c" in text


def test_lines_are_cut_to_the_terminal_and_colours_take_no_room(capsys, monkeypatch):
    assert _cut("0123456789", 10) == "0123456789"
    assert _cut("0123456789a", 10) == "012345678…"
    painted = "\033[2mab\033[0mcd"
    assert _cut(painted, 4) == painted
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "3")
    _show("one\n" + "x" * 50 + "\nthree\nfour", screen=True)
    out = capsys.readouterr().out
    assert out.startswith("\033[H")
    assert "four" not in out
    assert "x" * 19 + "…" in out
