"""`sdcam doctor`: packages, model, configuration, service and disk, each trouble staged."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from doctor_stage import Stage

from sdcam import __version__, paths
from sdcam.cli import doctor as command
from sdcam.cli import main
from sdcam.control.server import ControlServer
from sdcam.doctor import Check, Group, HostProbe, Verdict, exit_code, machine
from sdcam.doctor.check import missing, ok, trouble, warning
from sdcam.errors import ExitCode
from sdcam.install.service_agent import interpreter
from sdcam.paths import crash_file, log_folder
from sdcam.service.instance import SingleInstance

TINY = Path(__file__).parents[2] / "data" / "tiny-model"


@pytest.fixture
def stage(tmp_path, monkeypatch):
    return Stage(tmp_path, monkeypatch)


class Service:
    def __init__(self, **status: object) -> None:
        self._status = {"version": __version__, "state": "running", **status}

    def status(self) -> dict[str, object]:
        return self._status

    def __getattr__(self, name: str) -> object:  # the commands that nobody gives here
        return None


@pytest.fixture
def running():
    servers = []

    def start(**status: object) -> None:
        servers.append(ControlServer(paths.control_socket("auto"), Service(**status)))
        servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def config(text: str) -> Path:
    path = paths.config_file()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_configuration_mistakes_have_file_and_line(stage):
    path = config("[look]\nstrenght = 0.5\nfeedback = 7\n")
    found = stage.finding("file")
    assert found.exit_code is ExitCode.FAULT
    assert any(
        line.startswith(f'{path}, line 2: unknown key "look.strenght"') for line in found.fix
    )
    assert any(line.startswith(f"{path}, line 3: look.feedback = 7") for line in found.fix)


def test_environment_variable_is_a_warning(stage, monkeypatch):
    monkeypatch.setenv("SDCAM_LOOK__PROMPT", "anime")
    assert stage.finding("environment").found.startswith("SDCAM_LOOK__PROMPT overrides it")


def test_missing_model(stage):
    config('[model]\nname = "sd-turbo"\n')
    found = stage.finding("model")
    assert found.exit_code is ExitCode.MISSING
    assert found.fix == ("Download it: sdcam models pull sd-turbo.",)


def test_damaged_model(stage, tmp_path):
    model = Path(shutil.copytree(TINY, tmp_path / "tiny"))
    config(f'[model]\nname = "{model}"\n')
    weights = model / "unet" / "diffusion_pytorch_model.safetensors"
    os.truncate(weights, weights.stat().st_size - 1000)
    assert "damaged" in stage.finding("model").found


def test_deep_finds_changed_bytes(stage, tmp_path):
    model = Path(shutil.copytree(TINY, tmp_path / "tiny"))
    name = "unet/diffusion_pytorch_model.safetensors"
    (model / "origin.json").write_text(json.dumps({"source": "a/b", "files": {name: "0" * 64}}))
    config(f'[model]\nname = "{model}"\n')
    assert stage.finding("files").verdict is Verdict.OK
    stage.facts["deep"] = True
    assert f"{name} of {model} is not what was downloaded" in stage.finding("files").found


def test_missing_engine(stage):
    config('[model]\nengine = "torch"\n')
    found = stage.finding("engine")
    assert found.found == "The engine torch is not installed."
    assert found.exit_code is ExitCode.MISSING


def test_packages_that_do_not_fit_together(stage):
    stage.facts["requirements"] = lambda: [
        "numpy>=1.26,<2.4",
        'coremltools>=8.1; sys_platform == "darwin"',
        'torch>=2; extra == "torch"',
    ]
    stage.versions["numpy"] = "2.4.0"
    found = stage.finding("packages")
    assert found.found.startswith("numpy 2.4.0 does not fit ")
    assert found.link.endswith("/coremltools/issues/2633")


def test_library_that_does_not_load_is_named_with_its_reason(stage, monkeypatch):
    monkeypatch.setattr(machine, "_NATIVE", ("json", "no_such_library"))
    found = stage.finding("libraries")
    assert found.found.startswith("no_such_library does not load (ModuleNotFoundError: ")
    assert found.fix == (f"{sys.executable} -m pip install --force-reinstall no_such_library",)


def test_libraries_are_not_loaded_from_the_current_folder(stage, monkeypatch, tmp_path):
    """A folder of scripts may have any names (python/cpython#157916)."""
    monkeypatch.setattr(machine, "_NATIVE", ("fractions",))
    for name in ("fractions.py", "importlib.py", "random.py"):
        (tmp_path / name).write_text("raise SystemExit('a script was run')")
    monkeypatch.chdir(tmp_path)
    assert stage.finding("libraries").found == "load: fractions"


def test_two_flavours_of_opencv(stage):
    stage.versions.update({"opencv-python": "4.10", "opencv-python-headless": "4.10"})
    assert "both installed" in stage.finding("packages").found


def test_python_too_new(stage):
    stage.facts["python"] = (3, 14, 0)
    assert stage.finding("python").found.startswith("Python 3.14.0 is newer than 3.13")


def test_service_of_another_version(stage, running):
    running(version="0.0.1")
    assert stage.finding("running").fix == ("sdcam service restart",)


def test_complaints_of_the_service(stage, running):
    running(faults={"model": "It is away."})
    found = stage.finding("complaints")
    assert (found.found, found.exit_code) == ("model: It is away.", ExitCode.FAULT)


def test_camera_of_the_running_service_is_not_opened(stage, running):
    stage.facts["camera"] = True
    stage.camera(0, "Integrated Camera")
    running(source={"name": "Integrated Camera", "size": "640x480"}, fps={"camera": 29.7})
    said = stage.finding("pictures").found
    assert said == "the running service gets them: 640x480, 29.7 a second"


def test_service_that_does_not_listen(stage):
    running = SingleInstance(paths.control_socket("auto"))
    running.acquire()
    found = stage.finding("running").found
    running.release()
    assert found == f"Process {os.getpid()} is the service, but does not listen."


def test_stale_socket_is_a_warning(stage):
    path = paths.control_socket("auto")
    path.parent.mkdir(parents=True, mode=0o700)
    path.touch()
    found = stage.finding("socket")
    assert found.verdict is Verdict.WARNING
    assert found.fix == (f"rm '{path}'",)


def test_socket_folder_open_to_others(stage):
    path = paths.control_socket("auto")
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o755)
    assert stage.finding("socket").fix == (f"chmod 700 '{path.parent}'",)


def unit(python: object) -> None:
    folder = paths.config_file().parent.parent / "systemd" / "user"
    folder.mkdir(parents=True)
    text = f'[Service]\nExecStart="{python}" -m sdcam run --service\n'
    (folder / "streamdiffusion-cam.service").write_text(text)


def test_unit_whose_python_is_gone(stage):
    unit("/gone/100%% sure/python")
    found = stage.finding("installed")
    assert "starts /gone/100% sure/python, which is gone" in found.found
    assert found.fix == ("sdcam service install",)


def test_unit_of_another_python(stage):
    unit("/bin/sh")
    assert stage.finding("installed").verdict is Verdict.OK  # not named python: a launcher
    other = stage.home / "python3"
    other.touch()
    shutil.rmtree(paths.config_file().parent.parent / "systemd")
    unit(other)
    assert f"The service runs on {other}, this command on {interpreter()}" in (
        stage.finding("installed").found
    )


def test_installed_service_that_gave_up(stage):
    unit(interpreter())
    stage.program("systemctl", "ActiveState=failed\nSubState=failed\nMainPID=0\nExecMainStatus=1\n")
    found = stage.finding("kept running")
    assert found.verdict is Verdict.TROUBLE
    assert "failed" in found.found


def test_unwritable_log(stage):
    log_folder().mkdir(parents=True)
    stage.closed.add(log_folder())
    assert stage.finding("log", "Service").found.endswith(
        f"this user may not write {log_folder()}."
    )


def test_last_crash(stage):
    log_folder().mkdir(parents=True)
    crash = crash_file()
    crash.write_text("a library says something\n")
    assert stage.finding("crashes").found == "no crash is on record"
    crash.write_text("x\nFatal Python error: Segmentation fault\n\nThread 0x1:\n")
    assert "crashed (Segmentation fault, on " in stage.finding("crashes").found
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(crash, (long_ago, long_ago))
    assert stage.finding("crashes").verdict is Verdict.OK


@pytest.mark.parametrize(
    ("free", "verdict"), [(10**7, "trouble"), (10**9, "warning"), (10**11, "ok")]
)
def test_disk_room(stage, free, verdict):
    stage.facts["free_bytes"] = lambda path: free
    assert stage.finding("models").verdict.value == verdict


def test_check_that_raises_is_a_finding(stage):
    def look(host: HostProbe) -> None:
        raise ValueError("no such thing\nat all")

    found = Check(Group.DISK, "x", look).examine(stage.host())
    assert (found.verdict, found.found) == (
        Verdict.WARNING,
        "could not be found out: ValueError: no such thing",
    )


def test_tool_that_hangs_is_a_finding(stage):
    stage.script("mokutil", "exec /bin/sleep 60")
    stage.facts["patience"] = 0.2
    began = time.monotonic()
    found = stage.finding("secure boot").found
    assert "`mokutil` did not answer" in found
    assert time.monotonic() - began < 5


def test_unsupported_system(stage):
    stage.facts["platform"] = "win32"
    assert "runs on macOS and Linux" in stage.finding("system").found


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([ok("")], 0),
        ([ok(""), warning("")], 0),
        ([warning(""), trouble("")], 1),
        ([missing(""), trouble("")], 3),
    ],
)
def test_exit_code(findings, code):
    assert exit_code(findings) == code


@pytest.fixture
def staged_command(stage, monkeypatch):
    monkeypatch.setattr("sdcam.doctor.HostProbe", lambda *_, **__: stage.host())
    return stage


def test_page_for_people(staged_command, capsys):
    code = main(["doctor", "--no-camera"])
    page = capsys.readouterr().out
    assert code == 3
    assert "Camera\n  ✗ found           No camera was found.\n" in page
    assert (
        page.rstrip()
        .splitlines()[-1]
        .startswith('In your video app pick the camera "StreamDiffusion Cam".')
    )
    assert "secure boot" not in page  # it does not arise there


def test_page_in_ascii(staged_command, monkeypatch, tmp_path):
    path = tmp_path / "page"
    with path.open("w", encoding="ascii") as out:
        monkeypatch.setattr("sys.stdout", out)
        main(["doctor", "--no-camera"])
    assert "  x found           No camera was found." in path.read_text()


def test_json_for_programs(staged_command, capsys):
    code = main(["doctor", "--json", "--no-camera"])
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code == 3
    assert told["pick"]["name"] == "StreamDiffusion Cam"
    found = next(c for c in told["checks"] if c["name"] == "found")
    assert (found["group"], found["verdict"]) == ("Camera", "trouble")


def test_windows_is_named_as_unsupported(monkeypatch, capsys):
    monkeypatch.setattr(command.sys, "platform", "win32")
    assert main(["doctor"]) == 1
    assert "runs on macOS and Linux" in capsys.readouterr().err
