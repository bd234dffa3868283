"""How a user gets access to a device node."""

from __future__ import annotations

import grp
import os
import pwd

import pytest

from sdcam.platforms.device_rights import how_to_get_access


@pytest.fixture
def video(monkeypatch):
    """The node's group; returns a function that sets its members and whether we are in it."""

    def group(members=(), ours=False):
        entry = grp.struct_group(("video", "x", 44_444, list(members)))
        monkeypatch.setattr(grp, "getgrgid", lambda gid: entry)
        monkeypatch.setattr(os, "getgroups", lambda: [44_444] if ours else [])

    return group


def test_user_outside_of_the_group(video, tmp_path):
    video()
    user = pwd.getpwuid(os.getuid()).pw_name
    assert how_to_get_access(tmp_path)[0] == f"sudo usermod -aG video {user}"


def test_group_without_permission(video, tmp_path):
    video(ours=True)
    assert how_to_get_access(tmp_path)[0].startswith(f"sudo chmod g+rw {tmp_path}")


def test_user_id_without_a_name(video, tmp_path, monkeypatch):
    """A container may run as any number."""
    video()
    monkeypatch.setattr(os, "getuid", lambda: 54_321_000)
    assert how_to_get_access(tmp_path) == ("run as a user in the group video",)
