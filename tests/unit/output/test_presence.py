"""A device that is gone, or was replaced, is noticed by who sends to it."""

from __future__ import annotations

import struct

from sdcam.output.presence import ExtensionPresence, NodePresence
from sdcam.platforms.names import OBS_DEVICE_UID


class Mac:
    """CoreMediaIO's devices: number and unique id. Constructed, not recorded."""

    def __init__(self, **devices):
        self.devices = devices
        self.dumb = False

    def read(self, thing, selector):
        if self.dumb:
            raise OSError("CoreMediaIO does not say")
        if selector == "dev#":
            return struct.pack(f"={len(self.devices)}I", *(int(n[1:]) for n in self.devices))
        return self.devices[f"n{thing}"].encode()


def with_obs():
    return Mac(n33="0x1420000", n34=OBS_DEVICE_UID)


def test_a_node_is_lost_when_it_is_removed_or_another_one_is_in_its_place(tmp_path):
    node = tmp_path / "video10"
    node.touch()
    presence = NodePresence(node)
    assert not presence.lost()
    (tmp_path / "other").touch()
    (tmp_path / "other").rename(node)
    assert presence.lost()
    node.unlink()
    assert presence.lost()


def test_the_extension_is_lost_at_the_second_look_that_misses_it():
    mac = with_obs()
    presence = ExtensionPresence(mac.read)
    assert not presence.lost()
    del mac.devices["n34"]
    assert [presence.lost(), presence.lost()] == [False, True]


def test_an_extension_that_was_started_again_is_another_one():
    mac = with_obs()
    presence = ExtensionPresence(mac.read)
    mac.devices["n40"] = mac.devices.pop("n34")
    assert [presence.lost(), presence.lost()] == [False, True]


def test_a_list_that_misses_it_for_a_moment_loses_nothing():
    mac = with_obs()
    presence = ExtensionPresence(mac.read)
    for _ in range(3):
        obs = mac.devices.pop("n34")
        assert not presence.lost()
        mac.devices["n34"] = obs
        assert not presence.lost()


def test_what_cannot_be_known_is_not_lost():
    mac = with_obs()
    presence = ExtensionPresence(mac.read)
    mac.dumb = True
    assert not any(presence.lost() for _ in range(3))
    assert not ExtensionPresence(mac.read).lost()
    assert not ExtensionPresence(Mac(n33="0x1420000").read).lost()
    assert not ExtensionPresence().lost()  # no CoreMediaIO here
