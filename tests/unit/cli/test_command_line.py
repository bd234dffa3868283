"""The command line: exit codes, the last line on stderr, and what it loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sdcam import paths
from sdcam.cli import main
from sdcam.cli.options import assignments
from sdcam.control.server import ControlServer
from sdcam.errors import UsageError
from sdcam.settings.default_file import default_text


def test_assignments_are_toml_and_bare_words_are_text():
    words = ["look.strength=0.7", "output.mirror=true", "look.prompt=a red balloon", "a.b=x=y"]
    words += ["look.seed=2026-11-21"]
    assert assignments(words) == {
        "look.strength": "0.7",
        "output.mirror": "true",
        "look.prompt": "a red balloon",
        "a.b": "x=y",
        "look.seed": "2026-11-21",
    }
    with pytest.raises(UsageError, match="KEY=VALUE"):
        assignments(["look.strength"])


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["run", "--set", "look.strength=7"], 2, "Command line: look.strength = 7"),
        (["run", "--set", "coreml.unet=\udc80"], 2, "is not UTF-8 text"),
        (["run", "--set", "look.strenght=1"], 2, 'did you mean "strength"'),
        (["run", "--config", "nowhere.toml"], 2, "does not exist"),
        (["run", "--once", "--source", "test"], 2, "--once goes with a file"),
        (["status"], 3, "not running"),
        (["prompt", "anime"], 3, "sdcam run"),
        (["snapshot", "picture.jpg"], 2, "ends in .png"),
    ],
)
def test_mistake_ends_in_a_sentence(words, code, sentence, capsys):
    assert main(words) == code
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_status_for_programs_without_a_service(capsys):
    assert main(["status", "--json"]) == 3
    printed = capsys.readouterr()
    status = json.loads(printed.out)
    assert status["state"] == "away"
    assert status["error"] in printed.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["dance"], 'There is no command "dance"; it is one of run, demo, '),
        (["statsu"], 'There is no command "statsu"; did you mean "status"? See `sdcam --help`.'),
        (["models", "pul"], 'There is no action "pul"; did you mean "pull"? See `sdcam models'),
        (["service", "ask"], 'There is no action "ask"; it is one of install, uninstall, start'),
        (["run", "--sorce=x"], 'not take --sorce; did you mean "--source"? See `sdcam run --help`'),
        (["models", "convert", "x", "--to", "openvino"], '--to does not take "openvino"; it is'),
        ([], "arguments are required: COMMAND. See `sdcam --help`."),
        (["prompt"], "arguments are required: text. See `sdcam prompt --help`."),
        (["run", "--seconds", "-1"], "--seconds: -1 is not above 0. See `sdcam run --help`."),
        (["run", "--frames", "x"], "--frames: invalid int value: 'x'. See `sdcam run --help`."),
        (["status", "--interval", "abc"], "--interval: abc is not a number of seconds between"),
    ],
)
def test_wrong_words_exit_with_2_and_the_last_line_says_what_to_do(words, sentence, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("sdcam: ") and sentence in last and "--help`." in last
    assert "_" not in last  # no names from inside the program


HEAVY = (
    "asyncio", "coremltools", "cv2", "dataclasses", "inspect", "logging", "multiprocessing",
    "numpy", "openvino", "platformdirs", "pydantic", "rich", "tokenizers", "tomlkit", "torch",
)  # fmt: skip


def loaded_by(*words):
    """Which of the heavy modules a command loads, and its exit code."""
    script = (
        "import sys\n"
        "from sdcam.cli import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        f"print(code, *(m for m in {HEAVY} if m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    return int(code), set(modules)


class Service:
    def status(self):
        look = {"prompt": "anime", "prompt_text": "anime", "prompt_in_force": "anime"}
        return {"state": "running", "faults": {}, "notices": {}, "look": look}

    def step_style(self, step, save):
        return "anime"

    def __getattr__(self, name):
        return lambda *given: None


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["prompt", "anime"],
        ["set", "look.strength=0.7"],
        ["next"],
        ["pause"],
        ["snapshot", "x.png"],
        ["status"],
        ["status", "--json"],
    ],
)
def test_what_speaks_to_the_service_loads_nothing_heavy(words):
    config = paths.config_file()
    config.parent.mkdir(parents=True)
    config.write_text(default_text())  # it is read for service.socket
    with ControlServer(paths.control_socket("auto"), Service()):
        code, modules = loaded_by(*words)
    assert code == 0
    if sys.version_info < (3, 11):  # no tomllib, so tomlkit reads the file
        modules -= {"tomlkit", "dataclasses", "inspect"}
    if sys.platform == "darwin":  # the folder of the socket there
        modules -= {"platformdirs"}
    assert modules == set()


def test_config_shows_what_is_in_force(capsys, tmp_path):
    file = tmp_path / "my.toml"
    file.write_text('[look]\nprompt = "pencil"\n')
    assert main(["config", "check", "--config", str(file)]) == 0
    assert f"OK: {file} is right." in capsys.readouterr().out
    assert main(["config", "show", "--config", str(file), "--set", "look.seed=7"]) == 0
    shown = capsys.readouterr().out
    assert 'prompt = "pencil"' in shown
    assert "seed = 7" in shown


@pytest.mark.parametrize("words", [["config", "schema"], ["config", "path"]])
def test_full_or_closed_stdout_is_no_traceback(words):
    command = [sys.executable, "-m", "sdcam", *words]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "sdcam: The output cannot be written: No space left on device.\n"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
