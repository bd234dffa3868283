"""Whether an app shows the virtual camera, and which one, noticed as it happens."""

from sdcam.output.viewers.watcher import ViewerWatcher

__all__ = ["ViewerWatcher"]
