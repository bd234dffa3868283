"""What a service opens it closes: starts that fail, and pauses."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil
import pytest

from sdcam.control.client import ask
from sdcam.errors import UsageError
from sdcam.service.configuration import Configuration
from sdcam.service.daemon import Daemon
from sdcam.service.run_plan import RunPlan
from sdcam.settings.sources import ConfigSources


def test_failing_starts_leave_no_descriptor_and_no_memory(tmp_path, monkeypatch):
    """A service whose socket cannot be made tries again every half minute, for ever."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "file").write_text("")
    overrides = {"service": {"socket": str(tmp_path / "file" / "control.sock")}}
    settings = ConfigSources(tmp_path / "none.toml", "", overrides).settings()

    def fail():
        with pytest.raises(UsageError, match="cannot be made"):
            Daemon(RunPlan(Configuration.without_file(settings), "test", ("null",))).run()

    for _ in range(5):
        fail()
    gc.collect()
    process = psutil.Process()
    descriptors, memory = len(list(Path("/dev/fd").iterdir())), process.memory_info().rss
    for _ in range(100):
        fail()
        assert len(list(Path("/dev/fd").iterdir())) <= descriptors
    gc.collect()
    assert process.memory_info().rss - memory < 20e6  # 6 descriptors and 70 MB a start, if leaked


@pytest.mark.alone
def test_pauses_leave_no_descriptor(start):
    service = start("--source", "test", "--output", "null")
    process = psutil.Process(service.until_styled()["processes"]["daemon"]["pid"])

    def pause():
        ask(service.socket, "pause")
        service.until(lambda s: s["card"] == "Paused")
        ask(service.socket, "resume")
        service.until_styled()

    for _ in range(3):
        pause()
    before = process.num_fds(), process.num_threads()
    for _ in range(20):
        pause()
    after = process.num_fds(), process.num_threads()
    assert after[0] - before[0] <= 2 and after[1] <= before[1]
    assert service.status()["restarts"] == {"capture": 0, "model": 0, "output": 0}
