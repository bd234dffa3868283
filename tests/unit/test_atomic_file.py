"""Files that are whole at every moment."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from sdcam.atomic_file import atomic_write, remove_file
from sdcam.errors import SdcamError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "file"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_made_and_nothing_else_is_left_there(path):
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]
    assert mode(path) == 0o644


def test_the_mode_stays_unless_one_is_named(path):
    atomic_write(path, b"old")
    path.chmod(0o666)
    atomic_write(path, b"new")
    assert mode(path) == 0o666
    atomic_write(path, b"new", mode=0o644)
    assert mode(path) == 0o644


def test_on_a_full_disk_what_was_there_stays(path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    atomic_write(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SdcamError, match=r"file cannot be written: No space left on device"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_what_is_removed_was_there(path):
    atomic_write(path, b"old")
    assert remove_file(path)
    assert not remove_file(path)
    with pytest.raises(SdcamError, match="cannot be removed"):
        remove_file(path.parent)
