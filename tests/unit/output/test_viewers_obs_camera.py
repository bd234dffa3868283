"""Viewers of OBS's camera extension; a table stands for CoreMediaIO."""

from __future__ import annotations

import ctypes
import struct
import sys

import pytest

from sdcam.errors import MissingError
from sdcam.output.viewers.obs_camera import ObsProbe
from sdcam.output.viewers.observation import Use
from sdcam.platforms.core_media_io import CoreMediaIO, PropertyAddress
from sdcam.platforms.names import OBS_DEVICE_UID


@pytest.fixture
def system():
    return {
        (1, "dev#"): struct.pack("=2I", 31, 40),
        (31, "uid "): b"0x1420000005ac8600",
        (40, "uid "): OBS_DEVICE_UID.encode(),
        (40, "gone"): struct.pack("=I", 0),
    }


def test_obs_probe_finds_the_extension_and_its_use(system):
    probe = ObsProbe(lambda thing, selector: system[thing, selector])
    assert probe.probe().use is Use.NONE
    system[40, "gone"] = struct.pack("=I", 1)
    observed = probe.probe()
    assert (observed.use, observed.programs) == (Use.STREAMING, None)
    assert observed.again_seconds is not None


def test_missing_obs_extension_is_reported(system):
    system[1, "dev#"] = struct.pack("=I", 31)
    with pytest.raises(MissingError, match="camera extension is not active"):
        ObsProbe(lambda thing, selector: system[thing, selector])


def test_the_address_of_a_property_is_laid_out_as_in_the_header():
    assert ctypes.sizeof(PropertyAddress) == 12
    assert bytes(PropertyAddress(0x676F6E65, 0x676C6F62, 0))[:4] == b"enog"  # 'gone', little endian


@pytest.mark.skipif(sys.platform == "darwin", reason="CoreMediaIO is there")
def test_core_media_io_is_missing_off_macos():
    with pytest.raises(OSError):
        CoreMediaIO()
