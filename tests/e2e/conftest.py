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
    """vivid as the camera, v4l2loopback as docs/output.md has it loaded."""
    load_camera()
    load_loopback()
    yield
    unplug_camera()
    unload_loopback()


@pytest.fixture(scope="module")
def service(user: User, devices: None) -> Iterator[Service]:
    service = Service(user)
    service.start()
    yield service
    service.kill()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """At once: the machine may not live to the end of the session."""
    if report.failed:
        print(f"\n{report.nodeid}\n{report.longreprtext}\n{report.capstdout}", flush=True)
