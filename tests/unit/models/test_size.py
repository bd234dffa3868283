"""Sizes in the words of the hub's pages."""

from __future__ import annotations

import pytest

from sdcam.models.registry import bytes_of, in_words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (9_793_292, "10 MB"),
        (999_600_000, "1.0 GB"),
        (2_684_143_174, "2.7 GB"),
    ],
)
def test_size_in_words(size, words):
    assert in_words(size) == words


def test_a_folders_size_is_that_of_its_files(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"123")
    (tmp_path / "file").write_bytes(b"45")
    assert bytes_of(tmp_path) == 5
