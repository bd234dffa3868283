"""OBS's camera: that it is gone, or takes no frames, is found by what macOS tells.

CoreMediaIO and the memory are constructed, not recorded.
"""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest

from sdcam.output.obs_camera import ObsDriver, own_memory
from sdcam.platforms.names import OBS_CAMERA, OBS_DEVICE_UID

WINDOW = 60 * 1280 * 720 * 2


class Mac:
    """CoreMediaIO's devices: number and unique id."""

    def __init__(self, **devices):
        self.devices = devices
        self.mute = False

    def read(self, thing, selector):
        if self.mute:
            raise OSError("CoreMediaIO does not say")
        if selector == "dev#":
            return struct.pack(f"={len(self.devices)}I", *(int(n[1:]) for n in self.devices))
        return self.devices[f"n{thing}"].encode()


def with_obs():
    return Mac(n33="0x1420000", n34=OBS_DEVICE_UID)


def driver(mac, memory=lambda: 0):
    opened = ObsDriver(OBS_CAMERA, 1280, 720, mac.read, memory)
    opened.opened()
    return opened


def faults(driver, checks):
    return [driver.find_fault(0) is not None for _ in range(checks)]


def test_the_extension_is_gone_at_the_second_check_that_misses_it():
    mac = with_obs()
    obs = driver(mac)
    assert faults(obs, 1) == [False]
    del mac.devices["n34"]
    assert faults(obs, 2) == [False, True]


def test_an_extension_that_was_started_again_is_another_one():
    mac = with_obs()
    obs = driver(mac)
    mac.devices["n40"] = mac.devices.pop("n34")
    assert faults(obs, 2) == [False, True]
    assert "is gone" in str(obs.find_fault(0))


def test_a_list_that_misses_it_for_a_moment_is_no_fault():
    mac = with_obs()
    obs = driver(mac)
    for _ in range(3):
        kept = mac.devices.pop("n34")
        assert faults(obs, 1) == [False]
        mac.devices["n34"] = kept
        assert faults(obs, 1) == [False]


def test_unknown_device_list_is_no_fault():
    mac = with_obs()
    obs = driver(mac)
    mac.mute = True
    assert not any(faults(obs, 3))
    assert not any(faults(driver(mac), 3))
    assert not any(faults(driver(Mac(n33="0x1420000")), 3))
    if sys.platform != "darwin":  # no CoreMediaIO here
        here = ObsDriver(OBS_CAMERA, 1280, 720)
        here.opened()
        assert not any(faults(here, 3))


def windows(*footprints):
    """Whether there is a fault at each check, 60 frames apart."""
    answers = iter(footprints)
    obs = driver(with_obs(), lambda: next(answers))
    return [obs.find_fault(60 * i) is not None for i in range(1, len(footprints))]


def test_memory_that_grows_with_every_frame_is_a_fault_at_the_second_window():
    assert windows(0, WINDOW, 2 * WINDOW) == [False, True]


def test_memory_is_compared_with_the_frames_that_were_sent():
    """A camera at rest gets a frame a second: the memory is looked at a minute later."""
    answers = iter([0, 59 * WINDOW, 120 * WINDOW])
    obs = driver(with_obs(), lambda: next(answers))
    assert [obs.find_fault(sent) is not None for sent in (30, 59, 59 * 60, 118 * 60)] == [
        *(False, False, False),
        True,
    ]


@pytest.mark.parametrize(
    "footprints",
    [
        (0, 0, 0, 0),
        (0, 3 * WINDOW, 3 * WINDOW, 3 * WINDOW),  # a model, once
        (0, WINDOW, WINDOW, 2 * WINDOW),
        (0, WINDOW // 2, WINDOW, 3 * WINDOW // 2),  # slower than frames
        (9 * WINDOW, 5 * WINDOW, 0, 0),
    ],
)
def test_other_growth_of_memory_is_no_fault(footprints):
    assert not any(windows(*footprints))


def test_own_memory_grows_with_what_is_written():
    before = own_memory()
    written = np.ones(50_000_000, np.uint8)
    assert own_memory() - before >= 0.9 * written.nbytes
