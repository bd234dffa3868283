"""Where the data that comes with the program lies: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "data"
_TOP = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent.parent


def config(name: str) -> Path:
    """A file of `config/`: the documented default configuration, the styles."""
    return _TOP / "config" / name


def launchd(name: str) -> Path:
    """A file of `launchd/`: what installs the service, for macOS and for Linux."""
    return _TOP / "launchd" / name


def obs_scene(name: str) -> Path:
    """A file of `obs-scene/`: OBS's scene collection, for macOS and for Linux."""
    return _TOP / "obs-scene" / name


def demo_clip() -> Path:
    """The video that plays as the camera in `sdcam demo`."""
    return _PACKAGE / "capture" / "demo" / "clip.mp4"


def embedded_model() -> Path:
    """The diffusers folder of the model that comes with the program."""
    return _PACKAGE / "models" / "pocket"
