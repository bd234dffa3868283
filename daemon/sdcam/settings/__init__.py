"""What the user can set: the models, the file, and which source wins."""

from sdcam.settings.issues import ConfigError
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
from sdcam.settings.sources import load

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
