"""The feeds of the scenes: the caption file and the side by side."""

from __future__ import annotations

import socket
import threading
import time

import cv2
import numpy as np
import pytest

from sdcam.obs import CaptionFile, SideBySide

END = b"\xff\xd9"  # of a JPEG


def test_caption_is_the_newest_prompt(tmp_path):
    caption = CaptionFile(tmp_path / "obs" / "prompt.txt")
    caption.write("Ölgemälde")
    assert (tmp_path / "obs" / "prompt.txt").read_text("utf-8") == "Ölgemälde"
    caption.write("anime")
    assert [f.read_text() for f in (tmp_path / "obs").iterdir()] == ["anime"]


def test_caption_is_written_only_on_change(tmp_path):
    file = tmp_path / "prompt.txt"
    caption = CaptionFile(file)
    caption.write("anime")
    file.unlink()
    caption.write("anime")
    assert not file.exists()


def test_unwritable_caption_is_logged_once_and_retried(tmp_path, caplog):
    (tmp_path / "obs").write_text("a file where the folder should be")
    caption = CaptionFile(tmp_path / "obs" / "prompt.txt")
    caption.write("one")
    caption.write("two")
    assert caplog.text.count("prompt.txt") == 1
    (tmp_path / "obs").unlink()
    caption.write("two")
    assert (tmp_path / "obs" / "prompt.txt").read_text() == "two"


class Service:
    """Holds the pair that the service would show."""

    def __init__(self):
        self.asked = 0
        self.pair = plain((255, 0, 0), (0, 0, 255))

    def newest(self):
        self.asked += 1
        return self.pair


def plain(seen, styled):
    return tuple(np.full((64, 96, 3), colour, np.uint8) for colour in (seen, styled))


class Viewer:
    """OBS, as far as the socket sees it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(path))
        self._rest = b""

    def picture(self):
        while END not in self._rest:
            received = self.socket.recv(65536)
            assert received, "the stream is over"
            self._rest += received
        jpeg, _, self._rest = self._rest.partition(END)
        return cv2.imdecode(np.frombuffer(jpeg + END, np.uint8), cv2.IMREAD_COLOR_RGB)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def path(tmp_path, service):
    with SideBySide(tmp_path / "obs" / "pair.sock", service.newest):
        yield tmp_path / "obs" / "pair.sock"


@pytest.fixture
def viewer(path):
    viewer = Viewer(path)
    with viewer.socket:
        yield viewer


def halves(picture):
    """Their middle pixels, RGB."""
    height, width = picture.shape[:2]
    return picture[height // 2, [width // 4, width * 3 // 4]].astype(int).tolist()


def near(picture, left, right):
    return np.abs(np.subtract(halves(picture), [left, right])).max() < 8


def test_camera_left_styled_right(viewer):
    picture = viewer.picture()
    assert picture.shape == (64, 192, 3)
    assert near(picture, (255, 0, 0), (0, 0, 255)), halves(picture)


def test_new_pair_is_sent(viewer, service):
    viewer.picture()
    service.pair = plain((0, 0, 0), (0, 200, 0))
    until(lambda: near(viewer.picture(), (0, 0, 0), (0, 200, 0)))


def test_hidden_pair_is_dark_and_keeps_its_size(viewer, service):
    viewer.picture()
    service.pair = None
    until(lambda: viewer.picture().max() < 5)
    assert viewer.picture().shape == (64, 192, 3)
    service.pair = plain((0, 0, 0), (0, 200, 0))
    until(lambda: viewer.picture().max() > 100)


def test_dark_picture_before_the_first_pair(path, service):
    service.pair = None
    viewer = Viewer(path)
    with viewer.socket:
        assert viewer.picture().max() < 5


def test_no_viewer_no_work(path, service):
    viewer = Viewer(path)
    with viewer.socket:
        viewer.picture()

    def quiet():
        asked = service.asked
        time.sleep(0.2)  # five pictures
        return service.asked == asked

    until(quiet)


def test_socket_modes(path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_other_user_is_disconnected(path, monkeypatch):
    monkeypatch.setattr("sdcam.control.local_server.peer_uid", lambda viewer: 4242)
    assert turned_away(path)


def test_viewers_are_limited(path):
    crowd = [Viewer(path) for _ in range(4)]
    for viewer in crowd:
        viewer.picture()
    assert turned_away(path)
    crowd.pop().socket.close()
    until(lambda: not turned_away(path))
    for viewer in crowd:
        viewer.socket.close()


def turned_away(path):
    viewer = Viewer(path)
    with viewer.socket:
        return viewer.socket.recv(1) == b""


def test_stalled_viewers_do_not_block_others(path):
    slow = [socket.socket(socket.AF_UNIX) for _ in range(3)]
    for each in slow:
        each.connect(str(path))
    viewer = Viewer(path)
    with viewer.socket:
        assert viewer.picture() is not None
    for each in slow:
        each.close()


def test_exit_disconnects_viewers_and_removes_the_socket(tmp_path, service):
    path = tmp_path / "pair.sock"
    with SideBySide(path, service.newest):
        viewer = Viewer(path)
        viewer.picture()
    assert not path.exists() and not streaming()
    with viewer.socket:
        while viewer.socket.recv(65536):
            pass


def test_stale_socket_is_replaced(tmp_path, service):
    path = tmp_path / "pair.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with SideBySide(path, service.newest):
        viewer = Viewer(path)
        with viewer.socket:
            assert viewer.picture() is not None


def test_late_exit_keeps_the_next_services_socket(tmp_path, service):
    path = tmp_path / "pair.sock"
    first, second = SideBySide(path, service.newest), SideBySide(path, service.newest)
    first.__enter__()
    with second:
        first.__exit__(None, None, None)
        viewer = Viewer(path)
        with viewer.socket:
            assert viewer.picture() is not None


def test_socket_that_cannot_be_made_is_logged(tmp_path, service, caplog):
    with SideBySide(tmp_path / ("long" * 40) / "pair.sock", service.newest):
        assert "side by side" in caplog.text


def streaming():
    return any(thread.name == "side-by-side" for thread in threading.enumerate())


def until(is_so, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
