"""How the control server ends, and in which order it carries commands out."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sdcam.control.client import ask
from sdcam.control.server import ControlServer
from sdcam.errors import SdcamError

REFUSED = "The service is stopping."


class Service:
    """Its commands take as long as the test wants."""

    def __init__(self):
        self.done = []
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def status(self):
        return {"state": "running"}

    def set(self, values):
        self.begun.set()
        self.may_end.wait(10)
        self.done.append(values)

    def __getattr__(self, name):
        return lambda *given: self.done.append(name)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def hanging(service):
    """A service whose `set` does not return before the test is over."""
    service.may_end.clear()
    yield service
    service.may_end.set()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


def in_background(work, *given, **named):
    thread = threading.Thread(target=lambda: swallow(work, *given, **named), daemon=True)
    thread.start()
    return thread


def swallow(work, *given, **named):
    with contextlib.suppress(SdcamError):
        work(*given, **named)


def server_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("control")]


def test_after_refuse_only_status_is_answered(path, service):
    with ControlServer(path, service) as server:
        server.refuse(REFUSED)
        for command, given in {"pause": {}, "set": {"values": {"a": 1}}, "stop": {}}.items():
            with pytest.raises(SdcamError, match=REFUSED):
                ask(path, command, **given)
        assert ask(path, "status") == {"state": "running"}
    assert service.done == []


def test_refuse_waits_until_the_running_command_has_ended(path, hanging):
    with ControlServer(path, hanging) as server:
        asking = in_background(ask, path, "set", values={"look.prompt": "anime"})
        hanging.begun.wait(5)
        threading.Timer(0.2, hanging.may_end.set).start()
        server.refuse(REFUSED)
        assert hanging.done == [{"look.prompt": "anime"}]
        asking.join(5)


def test_refuse_waits_one_second_for_a_command_that_hangs(path, hanging):
    with ControlServer(path, hanging) as server:
        in_background(ask, path, "set", values={"look.prompt": "anime"})
        hanging.begun.wait(5)
        started = time.monotonic()
        server.refuse(REFUSED)
        assert 0.9 < time.monotonic() - started < 3


def test_close_leaves_no_thread_and_no_descriptor(path, service):
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    for _ in range(5):
        silent = socket.socket(socket.AF_UNIX)
        deaf = socket.socket(socket.AF_UNIX)
        with silent, deaf, ControlServer(path, service):
            silent.connect(str(path))
            deaf.connect(str(path))
            deaf.settimeout(0.2)
            with pytest.raises(TimeoutError):  # it never reads, so the server stops reading, too
                while True:
                    deaf.sendall(b'{"v": 1, "command": "status"}\n' * 1000)
            assert ask(path, "status") == {"state": "running"}
            started = time.monotonic()
        assert time.monotonic() - started < 1.5
        assert server_threads() == []
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208


def test_close_waits_one_second_for_a_command_that_hangs(path, hanging):
    with ControlServer(path, hanging):
        in_background(ask, path, "set", values={"look.prompt": "anime"})
        hanging.begun.wait(5)
        started = time.monotonic()
    assert 0.9 < time.monotonic() - started < 3


def test_close_right_after_open_and_twice(path, service):
    for _ in range(10):
        with ControlServer(path, service) as server:
            pass
        server.close()
        assert server_threads() == []


def test_command_that_hangs_delays_no_status(path, hanging):
    with ControlServer(path, hanging):
        in_background(ask, path, "set", values={"look.prompt": "anime"})
        hanging.begun.wait(5)
        started = time.monotonic()
        assert ask(path, "status") == {"state": "running"}
        assert time.monotonic() - started < 1


def test_commands_of_different_clients_are_carried_out_in_order(path, hanging):
    """They wait for a command that takes its time, each on a connection of its own."""
    with ControlServer(path, hanging):
        in_background(ask, path, "set", values={"first": 1})
        hanging.begun.wait(5)
        connections = []
        for number in range(8):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(path))
            values = {"v": 1, "command": "set", "values": {"number": number}}
            connection.sendall(json.dumps(values).encode() + b"\n")
            connections.append(connection)
            time.sleep(0.02)  # the kernel keeps no order between connections
        hanging.may_end.set()
        for connection in connections:
            with connection, connection.makefile() as answers:
                assert json.loads(answers.readline())["ok"]
    assert hanging.done == [{"first": 1}, *({"number": number} for number in range(8))]


def test_clients_that_drip_delay_nobody(path, service):
    stop = threading.Event()

    def drip():
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            while not stop.wait(0.01):
                connection.send(b" ")

    def seconds_for_status():
        started = time.monotonic()
        ask(path, "status")
        return time.monotonic() - started

    with ControlServer(path, service), ThreadPoolExecutor(8) as dripping:
        for _ in range(8):
            dripping.submit(drip)
        time.sleep(0.1)
        taken = [seconds_for_status() for _ in range(20)]
        stop.set()
    assert statistics.median(taken) < 0.1
