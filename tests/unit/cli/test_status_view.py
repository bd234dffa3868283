"""The status for people, of services that tell more or less."""

from __future__ import annotations

from sdcam.cli.status import rows_of

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
        "daemon": {"pid": 10, "memory_mb": 120.0, "cpu_seconds": 10.0, "cpu_percent": 12.5},
        "model": {"pid": 11, "memory_mb": 900.4, "cpu_seconds": 100.0, "cpu_percent": 101.0},
    },
    "config": {
        "file": "/home/me/config.toml",
        "error": {"mistakes": [{"message": "/home/me/config.toml, line 3: look.strength = 7."}]},
        "restart": ["service.socket"],
    },
}


def shown(status):
    texts = (
        f"{name} {cell if isinstance(cell, str) else cell[0]}" for name, cell in rows_of(status)
    )
    return {" ".join(text.split()) for text in texts}


def test_everything_that_the_service_tells_is_shown():
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
        "processes daemon 120 MB 12.5 % CPU pid 10",
        "model 900 MB 101.0 % CPU pid 11",
        "together 1020 MB 113.5 % CPU",
        "camera fault The camera is gone. Plug it in.",
        "config /home/me/config.toml",
        "config fault /home/me/config.toml, line 3: look.strength = 7.",
        "config service.socket: after `sdcam service restart`",
    }


def test_a_camera_that_is_not_open_is_closed():
    camera = {"name": "FaceTime", "size": "1280x720", "fps": 30.0}
    assert "camera FaceTime, closed" in shown({"source": {**camera, "open": False}})
    assert "camera FaceTime, 1280x720, 30 fps" in shown({"source": {**camera, "open": True}})


def test_a_service_that_tells_nothing_breaks_nothing():
    assert shown({}) == {"state unknown", "output none"}


def test_no_watcher_and_an_unknown_watcher_differ():
    assert "watched by nobody" in shown({"watchers": []})
    assert not any(line.startswith("watched") for line in shown({"watchers": None}))
