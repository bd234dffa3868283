"""What all tests share: they never see the developer's own configuration or service."""

from __future__ import annotations

import itertools
import os
import signal
import sys

import pytest

_NUMBERS = itertools.count()

if sys.platform == "darwin":  # whose own folder for such files takes 57 of the bytes of tmp_path
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/tmp")


def pytest_configure():
    """What a shell has ignored for us (`make test &`, nohup) is ignored by a handler of our own: so
    the programs that tests start do not ignore it, too."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)


@pytest.fixture
def tmp_path(tmp_path_factory):
    """A short one: sockets lie in it, and their paths have room for 104 bytes on macOS."""
    return tmp_path_factory.mktemp(f"t{next(_NUMBERS)}", numbered=False)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """For fixtures of a session or a module, which are made before those of a test."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _nobody_elses_settings(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("SDCAM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg-config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "xdg-runtime"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg-cache"))
