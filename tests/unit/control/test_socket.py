"""The two ends of the control socket, over a real socket."""

from __future__ import annotations

import json
import socket
import stat

import pytest

from sdcam.control.client import ask
from sdcam.control.server import ControlServer
from sdcam.errors import MissingError, SdcamError, UsageError


class Service:
    """Keeps what it was asked for."""

    def __init__(self):
        self.asked = []

    def status(self):
        return {"state": "running"}

    def pause(self):
        self.asked.append("pause")

    def resume(self):
        self.asked.append("resume")

    def set(self, values):
        if "look.nothing" in values:
            raise UsageError('"look.nothing" is not a key.', "Try another.")
        self.asked.append(values)

    def step_style(self, step, save):
        return f"style {step:+d}{' saved' * save}"

    def snapshot(self, path):
        raise SdcamError(f"{path} cannot be written.")

    def stop(self):
        self.asked.append("stop")


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def path(tmp_path, service):
    path = tmp_path / "run" / "control.sock"
    with ControlServer(path, service):
        yield path
    assert not path.exists()


def test_commands_reach_the_service_and_results_come_back(path, service):
    assert ask(path, "status") == {"state": "running"}
    ask(path, "pause")
    ask(path, "set", values={"look.prompt": "anime"})
    assert ask(path, "next") == "style +1"
    assert ask(path, "prev", save=True) == "style -1 saved"
    assert service.asked == ["pause", {"look.prompt": "anime"}]


def test_socket_is_0600_in_a_folder_of_0700(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_error_of_the_service_is_raised_with_its_kind(path):
    with pytest.raises(UsageError, match=r'"look.nothing" is not a key. Try another.'):
        ask(path, "set", values={"look.nothing": 1})
    with pytest.raises(SdcamError, match="cannot be written"):
        ask(path, "snapshot", path="/nowhere/x.png")
    with pytest.raises(UsageError, match="knows no command 'dance'"):
        ask(path, "dance")
    for nothing in (3, {}, [], None):
        with pytest.raises(UsageError, match="set needs values"):
            ask(path, "set", values=nothing)
    for nothing in (3, "", None):
        with pytest.raises(UsageError, match="snapshot needs path"):
            ask(path, "snapshot", path=nothing)


@pytest.mark.parametrize(
    "line",
    [
        b"hello\n",
        b"[1]\n",
        b'{"v": 99, "command": "status"}\n',
        b'{"command": "status"}\n',
        b'{"v": true, "command": "status"}\n',
        b'{"v": 1.0, "command": "status"}\n',
        b'{"v": "1", "command": "status"}\n',
        b"\0\xff\xfe\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_malformed_line_is_answered_and_the_server_goes_on(path, line):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(line)
        answer = json.loads(connection.makefile().readline())
    assert answer["ok"] is False
    assert answer["exit_code"] == 1
    assert ask(path, "status") == {"state": "running"}


def test_missing_service_error_says_how_to_start_it(tmp_path):
    with pytest.raises(MissingError, match=r"not running.*sdcam run"):
        ask(tmp_path / "control.sock", "status")


def test_socket_of_a_killed_service_is_replaced(tmp_path, service):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with ControlServer(path, service):
        assert ask(path, "status") == {"state": "running"}
