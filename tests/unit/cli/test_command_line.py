"""The command line as its user meets it: exit codes, and the last line on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sdcam.cli import main
from sdcam.cli.options import assignments
from sdcam.errors import UsageError


def test_values_are_toml_and_bare_words_are_text():
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
def test_mistakes_end_in_a_sentence(words, code, sentence, capsys):
    assert main(words) == code
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_the_status_for_programs_says_so_where_no_service_runs(capsys):
    assert main(["status", "--json"]) == 3
    told = capsys.readouterr()
    status = json.loads(told.out)
    assert status["state"] == "away"
    assert status["error"] in told.err


@pytest.mark.parametrize(
    "words",
    [
        ["dance"],
        [],
        ["run", "--seconds", "-1"],
        ["run", "--frames", "x"],
        ["status", "--interval", "abc"],
    ],
)
def test_wrong_words_exit_with_2(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "error" in said
    assert "_" not in said  # no names out of the program


def test_help_and_import_load_no_model_runtime_and_no_opencv():
    heavy = [
        "torch",
        "diffusers",
        "openvino",
        "cv2",
        "numpy",
        "pydantic",
        "coremltools",
        "tokenizers",
    ]
    script = (
        "import sys, sdcam\n"
        "from sdcam.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "virtual" in done.stdout or "camera" in done.stdout
    assert done.stderr.strip() == "[]"


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
def test_an_output_that_is_full_or_closed_is_no_traceback(words):
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
