"""Who is watching the virtual camera, noticed as it happens."""

from sdcam.output.audience.watcher import AudienceWatcher

__all__ = ["AudienceWatcher"]
