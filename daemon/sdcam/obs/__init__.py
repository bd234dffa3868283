"""OBS: its own folder, our scene collection in it, and what the service feeds its scenes with."""

from sdcam.obs.caption import CaptionFile
from sdcam.obs.collection import COLLECTION, Feeds, filled_in
from sdcam.obs.folder import ObsFolder, find_obs, is_running
from sdcam.obs.installation import install
from sdcam.obs.places import caption_file, side_by_side_socket
from sdcam.obs.side_by_side import SideBySide

__all__ = [
    "COLLECTION",
    "CaptionFile",
    "Feeds",
    "ObsFolder",
    "SideBySide",
    "caption_file",
    "filled_in",
    "find_obs",
    "install",
    "is_running",
    "side_by_side_socket",
]
