"""OBS: its folder, our scene collection in it, and the feeds that its scenes show."""

from sdcam.obs.collection import COLLECTION, Feeds, filled_in, install
from sdcam.obs.feeds import CaptionFile, SideBySide, caption_file, side_by_side_socket
from sdcam.obs.folder import ObsFolder, find_obs, is_running

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
