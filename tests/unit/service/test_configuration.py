"""The settings of a running service: edits of the file, changes by command, mistakes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sdcam.errors import UsageError
from sdcam.service.configuration import Configuration
from sdcam.settings import ConfigError, Settings

TINY = Path(__file__).parents[2] / "data" / "tiny-model"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[look]\nprompt = "oil"\nstrength = 0.2\n')
    return path


@pytest.fixture
def configuration(path):
    return Configuration.read(path)


@pytest.mark.parametrize(
    ("text", "concerned"),
    [
        ('[look]\nprompt = "anime"\nstrength = 0.2\n', {"look"}),
        ('[look]\nprompt = "oil"\nstrength = 0.2\n[styles]\nmine = "a"\n', {"look"}),
        ('look = { prompt = "oil", strength = 0.2 }\noutput.fit = "pad"\n', {"look"}),
        ('look = { prompt = "oil", strength = 0.2 }\noutput.hold_seconds = 9\n', set()),
        ('look = { prompt = "oil", strength = 0.2 }\ncamera.device = "Desk"\n', {"camera"}),
        ('look = { prompt = "oil", strength = 0.2 }\nmodel.name = "pocket"\n', {"model"}),
        ('look = { prompt = "oil", strength = 0.2 }\ncoreml.unet = "all"\n', {"model"}),
        ('look = { prompt = "oil", strength = 0.2 }\noutput.fps = 24\n', {"output"}),
        ('look = { prompt = "oil", strength = 0.2 }\nservice.log_level = "debug"\n', set()),
        ('look = { prompt = "oil", strength = 0.2 }\nservice.socket = "/x"\n', {"restart"}),
        ("[camera]\nfps = 15\n[model]\nengine = 'torch'\n", {"look", "camera", "model"}),
    ],
)
def test_edit_concerns_only_its_own_part(configuration, path, text, concerned):
    path.write_text(text)
    changes = configuration.reload()
    parts = ("look", "camera", "model", "output", "restart")
    assert {part for part in parts if getattr(changes, part)} == concerned
    assert changes
    assert changes.settings == configuration.settings


def test_keys_that_need_a_restart_are_named(configuration, path):
    path.write_text('[service]\nlog_count = 9\nlog_level = "debug"\n')
    assert configuration.reload().restart == ("service.log_count",)


def test_key_waits_until_restart_or_until_it_is_as_before(configuration, path):
    path.write_text("[service]\nlog_count = 9\n")
    configuration.reload()
    path.write_text("[service]\nlog_count = 9\n[look]\nseed = 1\n")
    assert configuration.reload().restart == ()
    assert configuration.waiting == ("service.log_count",)
    path.write_text("")
    configuration.reload()
    assert configuration.waiting == ()


def test_service_with_a_broken_file_starts_with_the_last_good_one(path):
    service = Configuration.of_service(path)
    assert service.error is None
    path.write_text("[look]\nstrength = 0.9\n")
    assert service.reload()
    path.write_text("[look]\nstrength = 9\n")
    service = Configuration.of_service(path)
    assert service.settings.look.strength == 0.9
    assert f"{path}, line 2" in str(service.error)
    path.write_text("[look]\nstrength = 0.1\n")
    assert service.reload().settings.look.strength == 0.1
    assert service.error is None


def test_service_without_a_last_good_file_starts_with_defaults(path):
    path.write_text("[look\n")
    service = Configuration.of_service(path, {"look": {"seed": 3}})
    assert (service.settings.look.strength, service.settings.look.seed) == (0.5, 3)
    assert service.file == path
    assert service.error
    with pytest.raises(ConfigError, match="Command line"):
        Configuration.of_service(path, {"look": {"seed": -3}})


def test_run_without_a_file_accepts_changes():
    configuration = Configuration.without_file(Settings())
    assert configuration.set({"look.seed": 1}).look
    assert configuration.settings.look.seed == 1
    assert configuration.status() == {"file": None, "error": None, "restart": []}


def test_edit_of_comments_changes_nothing(configuration, path):
    path.write_text('# better\n[look]\nstrength = 0.2\nprompt = "oil"\n')
    changes = configuration.reload()
    assert changes is not None
    assert not changes


def test_mistake_changes_nothing_until_it_is_fixed(configuration, path):
    before = configuration.settings
    path.write_text("[look]\nprompt = 'anime'\nstrength = 2\n")
    assert configuration.reload() is None
    assert configuration.settings is before
    (issue,) = configuration.error.issues
    assert issue.as_dict()["file"] == str(path)
    assert (issue.as_dict()["line"], issue.key) == (3, "look.strength")
    assert "less than or equal to 1" in issue.expected
    status = json.loads(json.dumps(configuration.status()))
    assert status["file"] == str(path)
    assert status["error"]["mistakes"][0]["line"] == 3
    path.write_text("[look]\nprompt = 'anime'\n")
    assert configuration.reload().settings.look.prompt == "anime"
    assert configuration.error is None


def test_deleted_file_keeps_the_settings(configuration, path):
    path.unlink()
    assert configuration.reload() is None
    assert configuration.settings.look.strength == 0.2
    assert "does not exist" in str(configuration.error)


def test_file_may_appear_later(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    configuration = Configuration.read()
    assert configuration.settings.look.strength == 0.5
    configuration.file.parent.mkdir()
    configuration.file.write_text("[look]\nstrength = 0.1\n")
    assert configuration.reload().keys == {"look.strength"}


def test_precedence_holds_after_reload(path, monkeypatch):
    monkeypatch.setenv("SDCAM_LOOK__SEED", "5")
    configuration = Configuration.read(path, {"look": {"prompt": "command line"}})
    path.write_text("[look]\nprompt = 'file'\nseed = 6\nblend = 0.1\n")
    assert configuration.reload().keys == {"look.strength", "look.blend"}
    look = configuration.settings.look
    assert (look.prompt, look.seed, look.blend, look.steps) == ("command line", 5, 0.1, 1)


def test_change_by_command_lasts_until_the_next_edit(configuration, path):
    assert configuration.set({"look.prompt": "anime", "look.blend": 0.3}).look
    assert configuration.runtime == {"look.prompt": "anime", "look.blend": 0.3}
    path.write_text("[look\n")  # a mistake is no edit
    assert configuration.reload() is None
    assert configuration.settings.look.prompt == "anime"
    path.write_text('[look]\nprompt = "oil"\nstrength = 0.7\n')
    changes = configuration.reload()
    assert changes.keys == {"look.prompt", "look.blend", "look.strength"}
    assert configuration.settings.look.prompt == "oil"
    assert configuration.runtime == {}


@pytest.mark.parametrize(
    "values",
    [
        {"look.prompt": "pencil"},
        {"camera.fps": 5, "look.seed": 7},
        {"styles.mine": "a linocut"},
        {"look.steps": 2},  # which the command line covers
    ],
)
@pytest.mark.parametrize("file", ["here", "made from the default"])
def test_save_keeps_other_changes_by_command(path, file, values):
    if file != "here":
        path.unlink()
    named = path if file == "here" else None
    configuration = Configuration.read(named, {"look": {"steps": 3}})
    configuration.set({"look.prompt": "anime", "look.blend": 0.3})
    changes = configuration.save(values)
    assert changes.keys == ({"styles"} if "styles.mine" in values else set(values))
    assert not configuration.reload()  # the watcher sees it, too
    look = configuration.settings.look
    assert (look.prompt, look.blend) == (values.get("look.prompt", "anime"), 0.3)
    configuration.file.write_text("# an edit\n")
    configuration.reload()
    look = configuration.settings.look
    assert (look.prompt, look.blend, look.steps) == ("oil", 0.0, 3)


def test_save_does_not_bring_back_the_command_line(path):
    configuration = Configuration.read(path, {"look": {"prompt": "command line"}})
    configuration.set({"look.prompt": "anime"})
    assert not configuration.save({"look.prompt": "anime"})
    assert not configuration.reload()
    assert configuration.settings.look.prompt == "anime"


def test_saved_names_what_covers_a_key(path, monkeypatch):
    monkeypatch.setenv("SDCAM_CAMERA__FPS", "15")
    configuration = Configuration.read(path, {"output": {"fps": 5}})
    values = {"output.fps": 24, "camera.fps": 24, "look.seed": 1, "styles.mine": "a"}
    assert configuration.save(values).keys == {"look.seed", "styles"}
    assert configuration.saved(values) == {
        "file": str(path),
        "covered": {"output.fps": "command line", "camera.fps": "SDCAM_CAMERA__FPS"},
    }


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"look.blend": 0.2, "output.fps": 0}, r"output.fps = 0: .* Nothing is saved"),
        ({"look.blend": 2}, r"look.blend = 2"),
        ({"look.blend": 0.2, "look.strenght": 1}, r'unknown key "look.strenght"'),
        ({"look.blend": 0.2, "model.name": "nowhere"}, r'model "nowhere".* Nothing is saved'),
    ],
)
def test_refused_save_changes_nothing(configuration, path, values, sentence):
    before = path.read_text()
    with pytest.raises(UsageError, match=sentence):
        configuration.save(values)
    assert path.read_text() == before
    assert configuration.settings.look.blend == 0.0
    assert configuration.runtime == {}


def test_run_without_a_file_saves_nothing():
    with pytest.raises(UsageError, match="reads no configuration file"):
        Configuration.without_file(Settings()).save({"look.seed": 1})


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        ('name = "nowhere"', "name"),
        ('engine = "openvno"', "engine"),
        ('engine = "replay:nowhere"', "engine"),
        ('engine = "coreml:fused"', "engine"),  # no bundle of the tiny model
        ('name = "/nowhere/at-all"\nengine = "torch"', "name"),
        (f'name = "{"x" * 2000}"', "name"),  # longer than a file name may be: an OSError before
    ],
)
def test_missing_model_changes_nothing(path, monkeypatch, edit, key):
    monkeypatch.setenv("XDG_DATA_HOME", str(path.parent))
    configuration = Configuration.read(path)
    path.write_text(f"[look]\nseed = 1\n[model]\n{edit}\n")
    assert configuration.reload() is None
    (issue,) = configuration.error.issues
    assert (issue.key, issue.origin.file, issue.origin.line) == (f"model.{key}", path, 4)
    assert configuration.settings.look.seed == 42


def test_missing_model_holds_up_no_other_edit(path):
    model = path.parent / "model"
    path.write_text(f'[model]\nname = "{model}"\n')
    configuration = Configuration.of_service(path)
    assert configuration.error is None
    path.write_text(f'[look]\nseed = 1\n[model]\nname = "{model}"\n')
    assert configuration.reload().keys == {"look.seed"}
    path.write_text("")
    assert configuration.reload()
    shutil.copytree(TINY, model)
    path.write_text(f'[model]\nname = "{model}"\n')
    assert configuration.reload().model


def test_only_live_keys_change_by_command(configuration):
    with pytest.raises(UsageError, match=r"camera.fps.*With --save"):
        configuration.set({"camera.fps": 15})
    with pytest.raises(UsageError, match=r"look.strength = 7"):
        configuration.set({"look.blend": 0.1, "look.strength": 7})
    with pytest.raises(UsageError) as caught:
        configuration.set({"look.strength": "A" * 100_000})
    assert len(str(caught.value)) < 200
    assert configuration.settings.look.blend == 0.0


def test_text_key_gets_the_text_while_running(configuration, path):
    configuration.set({"look.prompt": "1984", "look.strength": "0.75"})
    look = configuration.settings.look
    assert (look.prompt, look.strength) == ("1984", 0.75)
    configuration.save({"look.prompt": "1985"})
    assert 'prompt = "1985"' in path.read_text()


def test_first_file_must_be_right(path):
    path.write_text("nonsense")
    with pytest.raises(ConfigError, match="line 1"):
        Configuration.read(path)
