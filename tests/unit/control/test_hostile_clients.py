"""Clients that hang, flood, lie or belong to another user block nobody."""

from __future__ import annotations

import json
import os
import resource
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
from sdcam.settings.default_file import default_text


class Service:
    """Answers `status` and fails at `set`."""

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


def test_many_silent_clients_delay_nobody(path):
    hanging = [connected(path) for _ in range(60)]
    started = time.monotonic()
    assert ask(path, "status") == {"state": "running"}
    assert time.monotonic() - started < 2
    for connection in hanging:
        connection.close()


def test_client_waits_while_the_queue_of_the_socket_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_SECONDS", 0.3)
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(tmp_path / "busy.sock"))
        busy.listen(0)
        waiting = connected(tmp_path / "busy.sock")
        with waiting, pytest.raises(SdcamError, match=r"busy\.sock: .*unavailable|not answer"):
            ask(tmp_path / "busy.sock", "status")


def test_silent_client_is_disconnected(path):
    with connected(path) as connection:
        assert connection.recv(1) == b""


def test_client_that_drips_is_disconnected(path):
    started = time.monotonic()
    with connected(path) as connection, pytest.raises(ConnectionError):
        while time.monotonic() - started < 10:
            connection.send(b" ")
            time.sleep(0.05)
    assert time.monotonic() - started < 5


def test_client_that_floods_is_refused(path):
    with connected(path) as connection:
        try:
            connection.sendall(b"x" * (8 * protocol.LONGEST_LINE))
        except ConnectionError:
            pass
        else:
            pytest.fail("all of it was read")
        assert "more than" in answer_of(connection)["error"]
    assert ask(path, "status") == {"state": "running"}


def test_client_that_never_reads_is_disconnected(path):
    with connected(path) as connection:
        connection.settimeout(5)
        with pytest.raises(OSError):
            while True:
                connection.sendall(b'{"v": 1, "command": "status"}\n' * 1000)
    assert ask(path, "status") == {"state": "running"}


def test_requests_of_one_connection_are_answered_in_order(path):
    with connected(path) as connection, connection.makefile() as stream:
        connection.sendall(b'{"v": 1, "command": "status"}\n{"v": 1, "command": "dance"}\n')
        assert [json.loads(stream.readline())["ok"] for _ in range(2)] == [True, False]


def test_exception_of_a_command_is_logged_and_answered_with_a_sentence(path, caplog):
    with pytest.raises(SdcamError, match=r"could not do that\. Look into its log"):
        ask(path, "set", values={"look.prompt": "x"})
    assert "staged" in caplog.text


@pytest.mark.parametrize("command", [["status"], {}, None, 7, "x" * 1000])
def test_unknown_command_is_answered_with_the_known_ones(path, command):
    with pytest.raises(UsageError, match=r"knows no command .* It knows status, pause"):
        ask(path, command)


def test_another_version_is_named_on_both_sides(path, monkeypatch):
    monkeypatch.setattr(protocol, "VERSION", 2)
    with connected(path) as connection:
        connection.sendall(b'{"v": 1, "command": "status"}\n')
        answer = answer_of(connection)
    assert "different versions (2 here, 1 there)" in answer["error"]
    assert "sdcam service restart" in answer["todo"]


def test_service_that_does_not_answer_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf.sock"))
        deaf.listen(1)
        with pytest.raises(SdcamError, match=r"does not answer within .*`sdcam service restart`"):
            ask(tmp_path / "deaf.sock", "status")


def test_only_the_own_user_and_root_may_command():
    assert may_command(1000, 1000)
    assert may_command(0, 1000)
    assert not may_command(1001, 1000)
    assert not may_command(1000, 0)


def test_peer_uid_is_the_user_of_the_process():
    one, other = socket.socketpair()
    with one, other:
        assert peer_uid(one) == os.geteuid()


def test_peer_uid_on_macos():
    credentials = (0).to_bytes(4, "little") + (501).to_bytes(4, "little") + bytes(68)
    assert uid_in_xucred(credentials) == 501
    for wrong in (b"", (1).to_bytes(4, "little") + bytes(72)):
        with pytest.raises(OSError):
            uid_in_xucred(wrong)


def test_another_user_is_refused(monkeypatch):
    """Even where the socket's own mode lets everybody in. As root, the test becomes another user to
    connect; as another user, it makes the server believe that it belongs to somebody else."""
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


def test_mode_of_the_socket_keeps_another_user_out():
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


def test_own_folder_is_closed_to_others_again():
    path = paths.control_socket("auto")
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o777)
    with ControlServer(path, Service()):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_place_where_no_socket_can_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="cannot be made"),
        ControlServer(tmp_path / "file" / "control.sock", Service()),
    ):
        pass


@pytest.mark.parametrize(
    "text",
    [
        '[service]\nsocket = "{path}"\n',
        'service = {{ socket = "{path}" }}\n',
        '# socket = "auto"\n[service]\nsocket="{path}" # "auto"\n',
        "service.socket = '{path}'\n",
    ],
)
def test_address_is_found_however_the_file_writes_it(tmp_path, text):
    config = tmp_path / "config.toml"
    config.write_text(text.format(path=tmp_path / "my.sock"))
    assert socket_address(config) == tmp_path / "my.sock"


def test_address_of_the_default_file_is_the_usual_one(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(default_text())
    assert socket_address(config) == paths.control_socket("auto")


@pytest.mark.parametrize("text", ['socket = "~nobody-at-all/x"', "socket = 3", "socket = [", "\0"])
def test_broken_configuration_still_leads_to_the_service(tmp_path, text):
    config = tmp_path / "config.toml"
    config.write_text(f"[service]\n{text}\n")
    assert socket_address(config) == paths.control_socket("auto")


def test_pipe_in_the_place_of_the_configuration_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "config.toml")
    assert socket_address(tmp_path / "config.toml") == paths.control_socket("auto")


def test_server_out_of_descriptors_logs_once_and_recovers(tmp_path, caplog):
    path = tmp_path / "control.sock"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ControlServer(path, Service()), socket.socket(socket.AF_UNIX) as waiting:
        assert ask(path, "status") == {"state": "running"}  # it accepts
        time.sleep(0.1)  # and has closed that connection
        free = os.dup(0)
        os.close(free)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
            waiting.connect(str(path))
            time.sleep(2.5)  # asyncio tries again each second
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        waiting.settimeout(5)
        waiting.sendall(b'{"v": 1, "command": "status"}\n')
        assert answer_of(waiting)["ok"]
    assert caplog.text.count("out of system resource") == 1
