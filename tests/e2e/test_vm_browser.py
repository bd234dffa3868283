"""A browser picks the camera by its name, as a video app does."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from vm_browser import Browser
from vm_devices import NAME, camera_node
from vm_frames import keep
from vm_service import Service
from vm_user import User

from sdcam.capture.cameras.holders import holders


def test_a_browser_comes_and_goes_and_comes_back(user: User, service: Service) -> None:
    service.ask("set", values={"output.on_demand": True})
    service.until(lambda s: s["state"] == "idle" and holders(camera_node()) == [])
    browser = Browser(user)
    try:
        assert NAME in [device["label"] for device in browser.do("list")]
        for visit in ("first", "second"):
            settings = browser.do("show", NAME)
            assert (settings["width"], settings["height"]) == (640, 360)
            status = service.until_picture()
            assert "chrom" in str(status["watchers"])
            assert holders(camera_node()) != []
            picture = browser.picture()
            painted = _snapshot(user, service)
            keep(f"chromium-{visit}", picture)
            assert np.abs(picture.astype(float) - painted).mean() < 12
            browser.do("leave")
            service.until(lambda s: s["state"] == "idle" and holders(camera_node()) == [])
    finally:
        browser.close()


def _snapshot(user: User, service: Service) -> NDArray[np.float64]:
    """What the model painted, in the size of the output."""
    path = user.home / "snapshot.png"
    service.ask("snapshot", path=str(path))
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return cv2.resize(picture, (640, 360), interpolation=cv2.INTER_LINEAR).astype(float)
