"""What the user can set: the models, the file, and the order in which sources win."""

from sdcam.settings.load import load
from sdcam.settings.mistakes import ConfigError
from sdcam.settings.schema import (
    Camera,
    CoreML,
    Fit,
    Look,
    Model,
    Output,
    Service,
    Settings,
)

__all__ = [
    "Camera",
    "ConfigError",
    "CoreML",
    "Fit",
    "Look",
    "Model",
    "Output",
    "Service",
    "Settings",
    "load",
]
