"""A browser picks the camera by its name, as a video app does."""

from __future__ import annotations

import cv2
import numpy as np
from vm_browser import Browser
from vm_devices import NAME, camera_node
from vm_frames import Pixels, keep
from vm_service import Service
from vm_user import HEIGHT, WIDTH, User

from sdcam.platforms.device_users import users_of

_SAME = 12.0  # of 255, on the average: the clock in the picture goes on


def test_a_browser_comes_and_goes_and_comes_back(user: User, service: Service) -> None:
    service.until_picture()
    service.ask("set", values={"output.on_demand": True})
    service.until_at_rest()
    browser = Browser(user)
    try:
        assert NAME in [device["label"] for device in browser.do("list")]
        for visit in ("first", "second"):
            settings = browser.do("show", NAME)
            assert (settings["width"], settings["height"]) == (WIDTH, HEIGHT)
            status = service.until_picture()
            assert "chrom" in str(status["watchers"])
            assert users_of(camera_node()) != []
            picture, difference = _settled(browser, _snapshot(user, service))
            keep(f"chromium-{visit}", picture)
            assert difference < _SAME
            browser.do("leave")
            service.until_at_rest()
    finally:
        browser.close()


def _settled(browser: Browser, painted: Pixels) -> tuple[Pixels, float]:
    """What the browser shows, and how far it is from what was painted; frames that were on their
    way come first."""
    for _ in range(20):
        picture = browser.picture()
        difference = float(np.abs(picture.astype(np.int16) - painted).mean())
        if difference < _SAME:
            break
    return picture, difference


def _snapshot(user: User, service: Service) -> Pixels:
    """What the model painted, RGB, in the size of the output."""
    path = user.home / "snapshot.png"
    service.ask("snapshot", path=str(path))
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.resize(picture, (WIDTH, HEIGHT)), np.uint8)
