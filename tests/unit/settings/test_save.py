"""`--save` writes values into the user's file; everything else in it stays as it is."""

from __future__ import annotations

import stat

import pytest
import tomlkit

from sdcam.errors import SdcamError
from sdcam.settings import ConfigError, load
from sdcam.settings.default_file import default_text
from sdcam.settings.save import save, with_values


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config.toml"


def test_save_keeps_comments_order_and_columns(path):
    path.write_text('# mine\n[look]\nprompt = "oil"      # what\nseed = 7\n\n# the end\n')
    save(path, {"look.prompt": "anime"})
    assert path.read_text() == (
        '# mine\n[look]\nprompt = "anime"    # what\nseed = 7\n\n# the end\n'
    )


def test_save_adds_keys_below_headers_and_sections_at_the_end(path):
    path.write_text("[look]\nseed = 7\n\n# The camera.\n[camera]\nfps = 24.0")
    save(path, {"look.strength": 0.8, "output.mirror": True, "styles.my own": "a\nb"})
    assert path.read_text() == (
        "[look]\nstrength = 0.8\nseed = 7\n\n# The camera.\n[camera]\nfps = 24.0\n"
        '\n[output]\nmirror = true\n\n[styles]\n"my own" = "a\\nb"\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "look.seed = 7\n",
        "look = { seed = 7, prompt = 'oil' }  # all of it\n",
        "[look]\r\nseed = 7\r\n\r\n[camera]\r\nfps = 24\r\n",
        '\n\n[ look ] # here\nprompt = """\n[look]\nstrength = 3\n"""\n',
        default_text(),
    ],
)
def test_save_into_every_form_of_table(path, text):
    path.write_bytes(text.encode())
    before = load(path)
    save(path, {"look.strength": 0.25, "look.prompt": 'a "new" one\\', "service.log_count": 4})
    after = load(path)
    assert (after.look.strength, after.look.prompt) == (0.25, 'a "new" one\\')
    assert after.look.seed == before.look.seed
    assert after.camera == before.camera
    if "\r\n" in text:
        assert "\n" not in path.read_bytes().decode().replace("\r\n", "")


def test_save_creates_the_default_file(path):
    save(path, {"look.strength": 0.25})
    text = path.read_text()
    assert text.startswith("#:schema")
    assert tomlkit.parse(text)["look"]["strength"] == 0.25
    assert path.with_name("config.schema.json").exists()


def test_save_keeps_mode_and_follows_links(path, tmp_path):
    target = tmp_path / "dotfiles" / "sdcam.toml"
    target.parent.mkdir()
    target.write_text("[look]\nseed = 1\n")
    target.chmod(0o600)
    path.symlink_to(target)
    save(path, {"look.seed": 2})
    assert path.is_symlink()
    assert target.read_text() == "[look]\nseed = 2\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_save_leaves_a_broken_file_alone(path):
    path.write_text("[look\n")
    with pytest.raises(ConfigError, match=r"line 1: .* Nothing is saved until this is fixed"):
        save(path, {"look.seed": 2})
    assert path.read_text() == "[look\n"


def test_save_refuses_a_wrong_value(path):
    path.write_text("[look]\n")
    with pytest.raises(ConfigError, match=r"look.strength = 3: .* Nothing is saved"):
        save(path, {"look.strength": 3})
    with pytest.raises(ConfigError, match=r'unknown key "look.strenght"'):
        save(path, {"look.strenght": 0.3})
    assert path.read_text() == "[look]\n"


def test_save_into_a_value_in_the_place_of_a_section(path):
    """It was a TypeError before."""
    path.write_text('# mine\nlook = "oil"\n')
    with pytest.raises(ConfigError, match=r"line 2: look = 'oil'.* Nothing is saved"):
        save(path, {"look.seed": 2})
    assert path.read_text() == '# mine\nlook = "oil"\n'


@pytest.mark.parametrize("name", ["möwe", "a.b", "tab\t", 'quote"', "\x9d"])
def test_save_quotes_the_name_of_a_style(path, name):
    """Only some letters are a bare key of TOML; "möwe" was not saved before."""
    save(path, {f"styles.{name}": "a linocut"})
    assert load(path).styles[name] == "a linocut"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"strength": "0.5"}, 'unknown key "strength"'),
        ({"=": 1}, 'unknown key "="'),
        ({"look.seed": None}, "look.seed = None"),
        ({"look.seed": {"a": [{}]}}, "look.seed = "),
    ],
)
def test_save_of_an_unknown_key_or_value_is_a_sentence(path, values, sentence):
    """The parser's own error got out before."""
    with pytest.raises(ConfigError, match=f"{sentence}.*Nothing is saved"):
        save(path, values)
    assert not path.exists()


def test_save_replaces_a_wrong_value(path):
    path.write_text("[look]\nstrength = 7\n")
    save(path, {"look.strength": 0.5})
    assert load(path).look.strength == 0.5


def test_save_converts_text(path):
    save(path, {"look.prompt": "1984", "look.strength": "0.25", "output.mirror": "yes"})
    saved = tomlkit.parse(path.read_text()).unwrap()
    assert (saved["look"]["prompt"], saved["look"]["strength"]) == ("1984", 0.25)
    assert saved["output"]["mirror"] is True


def test_save_refuses_a_read_only_file(path):
    path.write_text("[look]\n")
    path.chmod(0o444)
    with pytest.raises(SdcamError, match="read-only: nothing is saved"):
        with_values(path, {"look.seed": 2})


def test_save_into_an_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SdcamError, match=r"cannot be (written|read)"):
        save(tmp_path / "file" / "config.toml", {"look.seed": 2})


def test_save_of_the_same_value_does_not_touch_the_file(path):
    path.write_text("[look]\nseed = 2\n")
    before = path.stat()
    save(path, {"look.seed": 2})
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
