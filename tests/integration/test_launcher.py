"""The app's launcher: Python, and every process that it starts, inside a program of our own.

It is the same source that macOS gets, compiled here with `cc`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.install.app_bundle import compile_launcher, find_libpython
from sdcam.platforms.names import CAMERA_NAME

TINY = Path(__file__).parent.parent / "data" / "tiny-model"
PATIENCE = 60.0


@pytest.fixture(scope="module")
def launcher(tmp_path_factory) -> Path:
    """In the folders of an app."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler: the launcher was NOT tested")
    try:
        library = find_libpython()
    except MissingError as error:
        pytest.skip(f"the launcher was NOT tested: {error}")
    contents = tmp_path_factory.mktemp("app") / f"{CAMERA_NAME}.app" / "Contents"
    (contents / "MacOS").mkdir(parents=True)
    (contents / "Resources").mkdir()
    (contents / "Resources" / "python.txt").write_text(f"{library}\n{sys.executable}\n")
    compile_launcher(contents / "MacOS" / CAMERA_NAME)
    return contents / "MacOS" / CAMERA_NAME


def _run(launcher: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [launcher, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_launcher_compiles_without_warnings(tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler: the launcher was NOT tested")
    done = subprocess.run(
        ["cc", "-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "launcher",
         resources.launchd("app/launcher.c"), "-ldl"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_launcher_is_this_python_with_its_venv(launcher):
    told = "import json, sys; print(json.dumps([sys.executable, sys.prefix, sys.version]))"
    done = _run(launcher, "-c", told)
    assert json.loads(done.stdout) == [sys.executable, sys.prefix, sys.version], done.stderr
    assert _run(launcher, "-c", "raise SystemExit(7)").returncode == 7


def test_all_processes_of_the_service_run_in_the_launcher(launcher, tmp_path):
    process = subprocess.Popen(
        [launcher, "-m", "sdcam", "run", "--source", "test", "--output", "null", "--json",
         "--model", str(TINY), "--frames", "30", "--set", "model.render_size=64",
         "--set", f"service.socket={tmp_path / 'control.sock'}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    seen: dict[int, str] = {}
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        for child in [psutil.Process(process.pid), *_children(process.pid)]:
            with contextlib.suppress(psutil.Error):
                if image := child.exe():  # of one that just ends nothing is told
                    seen[child.pid] = image
        time.sleep(0.02)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert json.loads(out)["frames"]["sent"] >= 30
    assert len(seen) >= 3, seen  # the daemon, the camera's process, the model's
    assert set(seen.values()) == {str(launcher)}


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def test_opened_by_a_double_click_it_asks_for_the_camera(launcher, tmp_path):
    # In place of sdcam (no test turns a camera on), a module that says how it was called.
    (tmp_path / "sdcam.py").write_text("import sys; print(sys.argv[1:])")
    done = _run(launcher, PYTHONPATH=str(tmp_path))
    assert done.stdout.strip() == "['service', 'ask-permission']", done.stderr


@pytest.mark.parametrize(
    ("note", "complaint"),
    [
        (None, "python.txt: No such file or directory"),
        ("/gone/libpython.so\n", "a line is missing"),
        ("libpython.so\npython\n", "not an absolute path"),
        ("/gone/libpython.so\n/gone/python\n", "Python cannot be loaded"),
    ],
)
def test_what_it_cannot_load_it_says_and_what_to_do(launcher, tmp_path, note, complaint):
    moved = tmp_path / "Contents" / "MacOS" / CAMERA_NAME
    moved.parent.mkdir(parents=True)
    shutil.copy(launcher, moved)
    if note is not None:
        (tmp_path / "Contents" / "Resources").mkdir()
        (tmp_path / "Contents" / "Resources" / "python.txt").write_text(note)
    done = _run(moved, "-V")
    assert done.returncode == 126
    assert complaint in done.stderr
    assert "sdcam service install" in done.stderr
