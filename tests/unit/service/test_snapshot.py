"""A picture as a file: the places that are refused, and how."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from sdcam.errors import SdcamError, UsageError
from sdcam.service.snapshot import write_png

PICTURE = np.full((4, 6, 3), (200, 100, 0), np.uint8)


def test_the_file_holds_the_picture(tmp_path):
    for _ in range(2):  # also over one that is there
        write_png(tmp_path / "a.PNG", PICTURE)
    assert (cv2.imread(str(tmp_path / "a.PNG"))[..., ::-1] == PICTURE).all()


@pytest.mark.parametrize("path", ["a.png", "~/a.png", "/tmp/a.jpg", "/tmp/a", "/tmp/.png", ""])
def test_only_an_absolute_path_of_a_png_is_taken(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not an absolute path that ends in"):
        write_png(Path(path), PICTURE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a\0b.png", "a\udc80\ud800.png"])
def test_a_name_that_no_file_can_have_is_a_sentence(name, tmp_path):
    with pytest.raises(UsageError, match="No file can be called"):
        write_png(tmp_path / name, PICTURE)


def test_a_pipe_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    refused = []

    def ask():
        with pytest.raises(UsageError, match="no ordinary file"):
            write_png(tmp_path / "pipe.png", PICTURE)
        refused.append(True)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(5)
    assert refused


def test_a_folder_is_refused_and_one_that_is_not_there_is_named(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError, match="no ordinary file"):
        write_png(tmp_path / "folder.png", PICTURE)
    with pytest.raises(SdcamError, match=r"nowhere/a\.png cannot be written: No such file"):
        write_png(tmp_path / "nowhere" / "a.png", PICTURE)
