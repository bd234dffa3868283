"""Tests on the real drivers. They load and unload modules and make a user, so they run in the
virtual machine of `make test-e2e` and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from vm_devices import load_camera, load_loopback, unload_loopback, unplug_camera
from vm_service import Service
from vm_user import User

if not Path("/vmrun").is_dir():
    raise pytest.UsageError("these tests belong into a virtual machine: make test-e2e")


@pytest.fixture(scope="session")
def user() -> User:
    return User.make()


@pytest.fixture(scope="module")
def devices() -> Iterator[None]:
    """vivid as the camera, v4l2loopback as the product has it loaded."""
    load_camera()
    load_loopback()
    yield
    unplug_camera()
    unload_loopback()


@pytest.fixture(scope="session")
def service(user: User) -> Iterator[Service]:
    """One for all the files that want it, with devices of its own; they come last."""
    load_camera()
    load_loopback()
    service = Service(user)
    try:
        service.start()
        yield service
    finally:
        service.kill()
        service.keep_log()
    unplug_camera()
    unload_loopback()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """At once: the machine may not live to the end of the session."""
    if report.failed:
        print(f"\n{report.nodeid}\n{report.longreprtext}\n{report.capstdout}", flush=True)
    elif report.when == "call":
        for line in report.capstdout.splitlines():
            if line.startswith("measured: "):
                print(f"\n{line}", end="", flush=True)
