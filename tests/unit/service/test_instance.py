"""One service per user: where the lock lies, and what a second one is told."""

from __future__ import annotations

import os

import pytest

from sdcam import paths
from sdcam.service.instance import AlreadyRunningError, SingleInstance


@pytest.fixture
def linux(monkeypatch, tmp_path):
    """A machine whose runtime folders lie in `tmp_path`; this terminal knows nothing of them."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(paths, "_RUNTIME_FOLDERS", tmp_path)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    return tmp_path


def test_without_the_variable_the_socket_is_where_it_is_with_it(linux, monkeypatch):
    ours = linux / str(os.geteuid())
    ours.mkdir()
    found = paths.control_socket("auto")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(ours))
    assert found == paths.control_socket("auto")
    assert found.is_relative_to(ours)


def test_without_a_folder_of_ours_it_lies_in_the_cache(linux, monkeypatch):
    assert paths.control_socket("auto").is_relative_to(paths.cache_folder())
    somebody = os.geteuid() + 1
    (linux / str(somebody)).mkdir()  # by us, so it is not somebody's
    monkeypatch.setattr("os.geteuid", lambda: somebody)
    assert paths.control_socket("auto").is_relative_to(paths.cache_folder())


def test_only_linux_has_such_folders(linux, monkeypatch):
    (linux / str(os.geteuid())).mkdir()
    monkeypatch.setattr("sys.platform", "darwin")
    assert paths.control_socket("auto").is_relative_to(paths.cache_folder())


def test_a_second_one_is_told_where_the_first_is(tmp_path):
    for socket, where in (
        (paths.control_socket("auto"), ""),
        (tmp_path / "control.sock", f" at the socket {tmp_path}/control.sock"),
    ):
        first = SingleInstance(socket)
        first.acquire()
        with pytest.raises(AlreadyRunningError) as refused:
            SingleInstance(socket).acquire()
        first.release()
        told = f"StreamDiffusion Cam is already running (process {os.getpid()}){where}."
        assert refused.value.what == told
