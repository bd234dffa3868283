"""Where finished frames go: the virtual camera, a recording, nowhere."""

from sdcam.output.sink import Sink
from sdcam.output.spec import open_sink

__all__ = ["Sink", "open_sink"]
