"""What the user can set: the models, the file, and the order in which sources win."""

from sdcam.settings.load import load
from sdcam.settings.mistakes import ConfigError
from sdcam.settings.schema import (
    CameraSettings,
    CoreMLSettings,
    Fit,
    LookSettings,
    ModelSettings,
    OutputSettings,
    ServiceSettings,
    Settings,
)

__all__ = [
    "CameraSettings",
    "ConfigError",
    "CoreMLSettings",
    "Fit",
    "LookSettings",
    "ModelSettings",
    "OutputSettings",
    "ServiceSettings",
    "Settings",
    "load",
]
