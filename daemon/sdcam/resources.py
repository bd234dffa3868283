"""Where the data that comes with the program lies: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "data"
_CHECKOUT = _PACKAGE.parent.parent


def _folder(name: str) -> Path:
    return _IN_WHEEL / name if _IN_WHEEL.is_dir() else _CHECKOUT / name


def config(name: str) -> Path:
    """A file of `config/`: the documented default configuration, the styles."""
    return _folder("config") / name


def launchd(name: str) -> Path:
    """A file of `launchd/`: property lists, the launcher's source, the systemd unit."""
    return _folder("launchd") / name


def obs_scene(name: str) -> Path:
    """A file of `obs-scene/`."""
    return _folder("obs-scene") / name


def demo_clip() -> Path:
    """The video that plays as the camera in `sdcam demo`."""
    return _PACKAGE / "capture" / "demo" / "clip.mp4"


def embedded_model() -> Path:
    """The diffusers folder of the model that comes with the program."""
    return _PACKAGE / "models" / "pocket"
