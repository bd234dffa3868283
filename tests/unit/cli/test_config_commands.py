"""`sdcam config ...` as its user meets it."""

from __future__ import annotations

import json
import shlex
import sys

import pytest
import tomlkit

from sdcam import paths
from sdcam.cli import main
from sdcam.cli.config import _editor
from sdcam.settings import load
from sdcam.settings.default_file import default_text, json_schema


@pytest.fixture
def path():
    """The usual place; nothing is there."""
    return paths.config_file()


@pytest.fixture
def editor(monkeypatch, tmp_path):
    """Sets VISUAL to an editor that does this to the file's text."""

    def editor(expression, code=0):
        script = tmp_path / "an editor.py"
        script.write_text(
            "import pathlib, sys\n"
            "path = pathlib.Path(sys.argv[-1])\n"
            f"text = path.read_text()\npath.write_text({expression})\nsys.exit({code})\n"
        )
        monkeypatch.setenv("VISUAL", f"{sys.executable} {shlex.quote(str(script))}")
        monkeypatch.setenv("EDITOR", "false")

    return editor


def test_config_path(capsys, path, tmp_path, monkeypatch):
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    monkeypatch.setenv("SDCAM_CONFIG", str(tmp_path / "mine.toml"))
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'mine.toml'}\n"


def test_config_init_writes_default_and_schema_once(capsys, path):
    assert main(["config", "init"]) == 0
    assert str(path) in capsys.readouterr().out
    assert path.read_text() == default_text()
    assert path.read_text().startswith("#:schema ./config.schema.json\n")
    assert json.loads(path.with_name("config.schema.json").read_text()) == json_schema()

    path.write_text("# mine\n")
    assert main(["config", "init"]) == 2
    assert "--force" in capsys.readouterr().err
    assert path.read_text() == "# mine\n"
    assert main(["config", "init", "--force"]) == 0
    assert path.read_text() == default_text()


def test_config_check_ok(capsys, path):
    assert main(["config", "check"]) == 0
    assert "all defaults" in capsys.readouterr().out
    main(["config", "init"])
    capsys.readouterr()
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == f"OK: {path} is right.\n"


def test_config_check_names_every_mistake(capsys, tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text("[look]\nstrength = 3\n[output]\nfsp = 30\nhold_seconds = 0\n")
    assert main(["config", "check", str(file)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{file}, line 2: look.strength = 3: input should be less than or equal to 1.",
        f'{file}, line 4: unknown key "output.fsp"; did you mean "fps"?',
        f"{file}, line 5: output.hold_seconds = 0: input should be greater than or equal to 0.1 "
        "(0.1 to 60 seconds).",
        f"sdcam: {file}: 3 mistakes. Fix what is named above; a running service keeps what it "
        "read last.",
    ]


def test_config_check_counts_mistakes_by_source(capsys, path, monkeypatch):
    assert main(["config", "check", "--set", "look.strength=2"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "sdcam: command line: 1 mistake. Fix what is named above."
    path.parent.mkdir(parents=True)
    path.write_text("[look]\nseed = -1\nsteps = 9\n")
    monkeypatch.setenv("SDCAM_LOOKK", "1")
    assert main(["config", "check"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith(f"sdcam: {path}: 2 mistakes; environment: 1 mistake. Fix what")
    assert "a running service keeps" in said[-1]


def test_config_check_names_a_missing_model(capsys, path):
    path.parent.mkdir(parents=True)
    path.write_text('[model]\nname = "nowhere"\n')
    assert main(["config", "check"]) == 2
    assert f"{path}, line 2: model.name = 'nowhere': There is no model" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[look", None])
def test_config_check_of_invalid_toml(capsys, tmp_path, content):
    file = tmp_path / "wrong.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    assert main(["config", "check", str(file)]) == 2
    assert str(file) in capsys.readouterr().err.splitlines()[0]


def test_config_show_names_origins(capsys, path, monkeypatch):
    path.parent.mkdir(parents=True)
    path.write_text('[look]\nblend = 0.2\n[styles]\n"my own" = "linocut"\n')
    monkeypatch.setenv("SDCAM_OUTPUT__HOLD_SECONDS", "3")
    assert main(["config", "show", "--set", "look.seed=7"]) == 0
    shown = capsys.readouterr().out
    lines = {line.partition(" = ")[0]: line for line in shown.splitlines()}
    assert lines["blend"].endswith(f"# {path}:2")
    assert lines["seed"].startswith("seed = 7 ")
    assert lines["seed"].endswith("# command line")
    assert lines["strength"].endswith("# default")
    assert lines["hold_seconds"].endswith("# seconds, SDCAM_OUTPUT__HOLD_SECONDS")
    assert lines['"my own"'].endswith(f"# {path}:4")
    told = tomlkit.parse(shown).unwrap()  # and it is a configuration itself
    assert told["styles"]["my own"] == "linocut"

    assert main(["config", "show", "--json"]) == 0
    blend = json.loads(capsys.readouterr().out)["look"]["blend"]
    assert (blend["value"], blend["from"], blend["line"]) == (0.2, "file", 2)


def test_config_show_of_a_long_value(capsys, tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(f'[styles]\nmine = "{"word " * 20}"\n')
    assert main(["config", "show", "--config", str(file)]) == 0
    (line,) = (s for s in capsys.readouterr().out.splitlines() if s.startswith("mine"))
    assert line.endswith(f'word " # {file}:2')


def test_config_path_expands_the_home_folder(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for words in (["--config=~/x.toml"], []):
        monkeypatch.setenv("SDCAM_CONFIG", "~/x.toml")
        assert main(["config", "path", *words]) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'x.toml'}\n"
    monkeypatch.setenv("SDCAM_CONFIG", "~nobody-at-all/x.toml")
    assert main(["config", "path"]) == 2
    assert "there is no such user's home. Correct SDCAM_CONFIG" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["config", "path", "--config=~nobody-at-all/x.toml"])
    assert "no such user's home" in capsys.readouterr().err


def test_config_schema_is_json(capsys):
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


def test_config_edit_creates_opens_and_checks(capsys, path, editor):
    editor("text.replace('strength = 0.5', 'strength = 0.6')")
    assert main(["config", "edit"]) == 0
    assert "OK" in capsys.readouterr().out
    assert load().look.strength == 0.6


def test_config_edit_names_mistakes(capsys, path, editor):
    path.parent.mkdir(parents=True)
    path.write_text("# mine\n")
    editor("text + '[look]\\nstrength = 7\\n'")
    assert main(["config", "edit"]) == 2
    assert f"{path}, line 3: look.strength = 7" in capsys.readouterr().err


def test_config_edit_with_a_failing_or_missing_editor(capsys, editor, monkeypatch):
    editor("text", code=3)
    assert main(["config", "edit"]) == 1
    assert "ended with exit code 3" in capsys.readouterr().err
    for named, sentence in (("no-such-editor", "cannot be started"), ("vi 'x", "quotation")):
        monkeypatch.setenv("VISUAL", named)
        assert main(["config", "edit"]) == 2
        assert sentence in capsys.readouterr().err


def test_config_edit_checks_after_a_failing_editor(capsys, path, editor):
    path.parent.mkdir(parents=True)
    path.write_text("# mine\n")
    editor("text + '[look]\\nstrength = 7\\n'", code=3)
    assert main(["config", "edit"]) == 2
    assert f"{path}, line 3: look.strength = 7" in capsys.readouterr().err


def test_editor_is_found_without_a_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert _editor() == ["open", "-t", "-W"]
    monkeypatch.setattr(sys, "platform", "linux")
    nano = tmp_path / "nano"
    nano.write_text("#!/bin/sh\n")
    nano.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _editor() == [str(nano)]
    nano.unlink()
    with pytest.raises(Exception, match="Set VISUAL or EDITOR"):
        _editor()


def test_contradicting_set_options(capsys):
    assert main(["config", "show", "--set", "look=1", "--set", "look.seed=2"]) == 2
    assert '"look.seed" lies in "look"' in capsys.readouterr().err


def test_set_save_without_a_service(capsys, path):
    assert main(["set", "look.strength=0.8", "camera.fps=24", "--save"]) == 0
    assert "at the next start" in capsys.readouterr().out
    assert (load().look.strength, load().camera.fps) == (0.8, 24)
    assert main(["set", "look.strength=8", "--save"]) == 2
    assert "Nothing is saved" in capsys.readouterr().err
    assert main(["prompt", "anime", "--save"]) == 0
    assert load().look.prompt == "anime"


def test_show_escapes_what_would_steer_the_terminal(capsys, tmp_path):
    prompt = "a\u009b2J\u202eb"
    file = tmp_path / "config.toml"
    file.write_text(f"[look]\nprompt = '{prompt}'\n", encoding="utf-8")
    assert main(["config", "show", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert tomlkit.parse(shown).unwrap()["look"]["prompt"] == prompt
