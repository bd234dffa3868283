"""Our scenes in a real OBS, under Xvfb, asked and photographed through obs-websocket.

    tests/obs/install.sh; python -m pytest tests/obs
    tests/e2e/vm/build.sh; tests/e2e/vm/run.sh $(which python) -m pytest tests/obs

OBS's pictures and its log are left in build/obs, or in $OBS_OUT. One source is swapped: "Styled
camera" plays a film that `sdcam` recorded before, as there is no v4l2 device here. The second line
has one, and looks at that source.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from obs_needs import inside, missing, run_inside

if TYPE_CHECKING:  # they need what may be missing
    from obs_program import Obs
    from obs_service import Service

OUT = Path(os.environ.get("OBS_OUT", "build/obs"))
CANVAS = 1280, 720

# With the kernel's own v4l2loopback, in the virtual machine; everything else here.
IN_MACHINE = Path("/vmrun").is_dir()
collect_ignore = ["test_obs_scenes.py" if IN_MACHINE else "test_obs_loopback.py"]
if IN_MACHINE:
    sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Begins again in a network of its own."""
    if told := missing():
        raise pytest.UsageError(told)
    if inside():
        return None
    return run_inside([sys.executable, "-m", "pytest", *config.invocation_params.args])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not inside():  # collected with others
        raise pytest.UsageError("these tests run by themselves: python -m pytest tests/obs")
    for item in items:
        item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Shows a styled test picture; OBS comes after it, as the documentation has it."""
    from obs_service import Service

    service = Service(tmp_path_factory.mktemp("home"))
    try:
        service.record_film()
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def obs(service: Service) -> Iterator[Obs]:
    """With an empty collection open, and ours to choose."""
    from obs_program import Obs
    from obs_screen import screen

    pictures = OUT.resolve()
    pictures.mkdir(parents=True, exist_ok=True)
    with screen() as display, Obs(service, display, pictures, CANVAS) as obs:
        yield obs


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for line in report.capstdout.splitlines():
            if line.startswith("measured: "):
                print(f"\n{line}", end="", flush=True)
