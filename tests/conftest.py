"""What all tests share: they never see the developer's own configuration or service."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _nobody_elses_settings(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("SDCAM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg-config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "xdg-runtime"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg-cache"))
