"""What can be run: model folders, where they lie, and the parts of them that need no runtime."""

from sdcam.models.folder import ModelFolder
from sdcam.models.registry import find_model

__all__ = ["ModelFolder", "find_model"]
