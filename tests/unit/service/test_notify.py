"""What systemd hears from the service."""

from __future__ import annotations

import contextlib
import os
import socket
import time

import pytest

from sdcam.service.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """The service manager's end: a real datagram socket."""
    name = str(tmp_path / "notify") if request.param == "path" else f"\0sdcam-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        listener.settimeout(5)
        listener.address = name.replace("\0", "@")
        yield listener


class Listener(socket.socket):
    address: str


@pytest.fixture(autouse=True)
def _sockets_with_an_address(monkeypatch):
    monkeypatch.setattr(socket, "socket", Listener)


def test_the_manager_hears_every_message(manager):
    notifier = Notifier.from_environment(
        {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "30000000"}
    )
    notifier.ready()
    notifier.status("painting\n30 frames  a second")
    notifier.alive()
    notifier.stopping()
    assert [manager.recv(4096).decode() for _ in range(4)] == [
        "READY=1",
        "STATUS=painting 30 frames a second",
        "WATCHDOG=1",
        "STOPPING=1",
    ]
    assert notifier.interval_seconds == 10.0


def test_children_do_not_inherit_the_address():
    environment = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    Notifier.from_environment(environment)
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "30000000"},
        {"NOTIFY_SOCKET": "@x"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"},
    ],
)
def test_without_a_watchdog_of_its_own_it_has_no_interval(environment):
    assert Notifier.from_environment(environment).interval_seconds is None


def test_without_a_listener_nothing_happens(tmp_path):
    Notifier().ready()
    Notifier(str(tmp_path / "gone"), 1.0).alive()
    Notifier("@sdcam-nobody-listens-here").status("alone")


def test_a_manager_that_does_not_read_never_blocks(manager):
    notifier = Notifier(manager.address, watchdog_seconds=1e-9)
    begun = time.monotonic()
    for number in range(2000):  # far more than the socket's queue holds
        notifier.status(f"status {number}")
        notifier.alive()
    assert time.monotonic() - begun < 5


def test_the_watchdog_is_fed_once_an_interval_and_a_status_sent_when_it_changes(manager):
    notifier = Notifier(manager.address, watchdog_seconds=30.0)
    for _ in range(20):
        notifier.alive()
        notifier.status("running")
    manager.setblocking(False)
    heard = []
    with contextlib.suppress(BlockingIOError):
        while True:
            heard.append(manager.recv(4096).decode())
    assert sorted(heard) == ["STATUS=running", "WATCHDOG=1"]
