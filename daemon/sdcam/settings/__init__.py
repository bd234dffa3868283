"""What the user can set: the models, the file, and the order in which sources win."""

from sdcam.settings.load import load
from sdcam.settings.schema import (
    Camera,
    Fit,
    Look,
    Model,
    Output,
    Service,
    Settings,
)

__all__ = [
    "Camera",
    "Fit",
    "Look",
    "Model",
    "Output",
    "Service",
    "Settings",
    "load",
]
