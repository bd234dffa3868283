"""Clients that hang, flood, lie or belong to somebody else block nobody."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
import time
from pathlib import Path

import pytest

from sdcam import paths
from sdcam.control import client, protocol
from sdcam.control.client import ask, socket_address
from sdcam.control.local_server import may_command, peer_uid, uid_in_xucred
from sdcam.control.server import ControlServer
from sdcam.errors import SdcamError, UsageError


class Service:
    """Answers one command and stumbles over another."""

    def status(self):
        return {"state": "running"}

    def set(self, values):
        raise ZeroDivisionError("staged")

    def __getattr__(self, name):
        return lambda: None


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "control.sock"
    with ControlServer(path, Service(), seconds=0.5):
        yield path


def connected(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    return connection


def answer_of(connection):
    with connection.makefile() as stream:
        return json.loads(stream.readline())


def test_many_that_hang_keep_nobody_waiting(path):
    hanging = [connected(path) for _ in range(60)]
    started = time.monotonic()
    assert ask(path, "status") == {"state": "running"}
    assert time.monotonic() - started < 2
    for connection in hanging:
        connection.close()


def test_a_crowd_is_served_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_SECONDS", 0.3)
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(tmp_path / "busy.sock"))
        busy.listen(0)
        waiting = connected(tmp_path / "busy.sock")
        with waiting, pytest.raises(SdcamError, match=r"busy\.sock: .*unavailable|not answer"):
            ask(tmp_path / "busy.sock", "status")


def test_who_says_nothing_is_hung_up_on(path):
    with connected(path) as connection:
        assert connection.recv(1) == b""


def test_who_drips_is_hung_up_on(path):
    started = time.monotonic()
    with connected(path) as connection, pytest.raises(ConnectionError):
        while time.monotonic() - started < 10:
            connection.send(b" ")
            time.sleep(0.05)
    assert time.monotonic() - started < 5


def test_who_floods_is_refused(path):
    with connected(path) as connection:
        try:
            connection.sendall(b"x" * (8 * protocol.LONGEST_LINE))
        except ConnectionError:
            pass
        else:
            pytest.fail("all of it was read")
        assert "more than" in answer_of(connection)["error"]
    assert ask(path, "status") == {"state": "running"}


def test_who_never_reads_is_left(path):
    with connected(path) as connection:
        connection.settimeout(5)
        with pytest.raises(OSError):
            while True:
                connection.sendall(b'{"v": 1, "command": "status"}\n' * 1000)
    assert ask(path, "status") == {"state": "running"}


def test_several_requests_in_one_conversation_come_back_in_order(path):
    with connected(path) as connection, connection.makefile() as stream:
        connection.sendall(b'{"v": 1, "command": "status"}\n{"v": 1, "command": "dance"}\n')
        assert [json.loads(stream.readline())["ok"] for _ in range(2)] == [True, False]


def test_a_fault_of_the_service_is_a_sentence_and_a_line_in_its_log(path, caplog):
    with pytest.raises(SdcamError, match=r"could not do that\. Look into its log"):
        ask(path, "set", values={"look.prompt": "x"})
    assert "staged" in caplog.text


@pytest.mark.parametrize("command", [["status"], {}, None, 7, "x" * 1000])
def test_a_command_that_is_none(path, command):
    with pytest.raises(UsageError, match="knows no command"):
        ask(path, command)


def test_another_version_is_told_so_on_both_sides(path, monkeypatch):
    monkeypatch.setattr(protocol, "VERSION", 2)
    with connected(path) as connection:
        connection.sendall(b'{"v": 1, "command": "status"}\n')
        answer = answer_of(connection)
    assert "different versions (2 here, 1 there)" in answer["error"]
    assert "sdcam service restart" in answer["todo"]


def test_a_service_that_hangs_or_hangs_up_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf.sock"))
        deaf.listen(1)
        with pytest.raises(SdcamError, match=r"does not answer within .*`sdcam service restart`"):
            ask(tmp_path / "deaf.sock", "status")


def test_only_its_own_user_and_root_may():
    assert may_command(1000, 1000)
    assert may_command(0, 1000)
    assert not may_command(1001, 1000)
    assert not may_command(1000, 0)


def test_the_kernel_says_who_connects():
    one, other = socket.socketpair()
    with one, other:
        assert peer_uid(one) == os.geteuid()


def test_the_structure_of_macos():
    told = (0).to_bytes(4, "little") + (501).to_bytes(4, "little") + bytes(68)
    assert uid_in_xucred(told) == 501
    for wrong in (b"", (1).to_bytes(4, "little") + bytes(72)):
        with pytest.raises(OSError):
            uid_in_xucred(wrong)


def test_another_user_is_refused(monkeypatch):
    """Even where the socket's own mode lets everybody in. As root we become somebody else to
    connect; as anybody else we make the server think that it is somebody else's."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "control.sock"
        if not root:
            monkeypatch.setattr("sdcam.control.local_server.os.geteuid", lambda: 65534)
        with ControlServer(path, Service()):
            path.chmod(0o666)
            Path(folder).chmod(0o755)
            if root:
                os.seteuid(65534)
            try:
                connection = connected(path)
            finally:
                if root:
                    os.seteuid(0)
            with connection:
                answer = answer_of(connection)
    assert answer["error"] == "This service belongs to another user."


def test_the_mode_alone_keeps_another_user_out():
    if os.geteuid() != 0:
        assert stat.S_IRWXO & 0o700 == 0  # nobody else to be; test_socket.py looks at the mode
        return
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "control.sock"
        Path(folder).chmod(0o755)
        with ControlServer(path, Service()):
            os.seteuid(65534)
            try:
                with pytest.raises(SdcamError, match="belongs to another user"):
                    ask(path, "status")
            finally:
                os.seteuid(0)


def test_our_own_folder_is_closed_to_others_again():
    path = paths.control_socket("auto")
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o777)
    with ControlServer(path, Service()):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_where_no_socket_can_be_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="cannot be made"),
        ControlServer(tmp_path / "file" / "control.sock", Service()),
    ):
        pass


@pytest.mark.parametrize("said", ['socket = "~nobody-at-all/x"', "socket = 3", "socket = [", "\0"])
def test_a_broken_file_still_leads_to_the_service(tmp_path, said):
    config = tmp_path / "config.toml"
    config.write_text(f"[service]\n{said}\n")
    assert socket_address(config) == paths.control_socket("auto")
