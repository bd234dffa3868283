"""The settings from all sources: precedence, conversion, and messages about mistakes."""

from __future__ import annotations

import pickle

import pytest

from sdcam.cli.options import assignments
from sdcam.errors import UsageError
from sdcam.settings import ConfigError, Fit, load
from sdcam.settings.sources import ConfigSources, tree_of
from sdcam.settings.toml_file import line_of


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.delenv("SDCAM_CONFIG", raising=False)

    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_need_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("SDCAM_CONFIG", raising=False)
    settings = load()
    assert settings.look.strength == 0.5
    assert settings.model.size is None
    assert len(settings.styles) == 10


def test_precedence_command_line_environment_file_default(write, monkeypatch):
    path = write('[look]\nprompt = "file"\nstrength = 0.1\nblend = 0.2\n')
    monkeypatch.setenv("SDCAM_LOOK__PROMPT", "environment")
    monkeypatch.setenv("SDCAM_LOOK__STRENGTH", "0.3")
    look = load(path, {"look": {"prompt": "command line"}}).look
    assert (look.prompt, look.strength, look.blend, look.seed) == ("command line", 0.3, 0.2, 42)


def test_user_styles_extend_and_override_the_gallery(write):
    settings = load(write('[styles]\nmine = "my own"\noil = "my oil"\n'))
    assert settings.styles["mine"] == "my own"
    assert settings.prompt_text("oil") == "my oil"
    assert settings.prompt_text("Pop-Art") == settings.styles["pop art"]
    assert settings.prompt_text("a red balloon") == "a red balloon"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[look]\nstrength = 0.5\nstrenght = 2\n", r'line 3: unknown key "look.strenght"; did you'),
        ("[look]\n\nstrength = 2\n", r"line 3: look.strength = 2: .*less than or equal to 1"),
        (
            '[look]\nprompt = "a\n',
            r"line 2: not valid TOML: a string ends on its line, with a quote",
        ),
        ("[lok]\na = 1\n", r'line 1: unknown key "lok"; did you mean "look"'),
        ("[model]\nrender_size = 500\n", r"line 2: .*500 is not a multiple of 64"),
        ('[output]\nfit = "stretch"\n', r"line 2: output.fit = 'stretch'.*crop.*pad.*blur"),
        ('look = "oil"\n', r"line 1: look = 'oil'"),
        ("[look]\nstrength = nan\n", r"line 2: look.strength = nan: .*finite"),
        ("[output]\nfps = inf\n", r"line 2: output.fps = inf: .*finite"),
        ('[camera]\ndevice = "a\\u0000"\n', r"line 2: camera.device = .*without a zero byte"),
        ('[service]\nsocket = "~nobody-at-all/x"\n', r"line 2: service.socket.*no such user"),
        ('[model]\nname = "~nobody-at-all/x"\n', r"line 2: model.name.*no such user"),
        ('[coreml]\nunet = "gpu"\n', r"line 2: coreml.unet = 'gpu': .*'cpu-and-gpu'"),
        ("[look]\nstrength = true\n", r"line 2: look.strength = True: .*valid number"),
        ('[look]\nseed = "3"\n', r"line 2: look.seed = '3': .*valid integer"),
        ("[look]\nseed = 3.0\n", r"line 2: look.seed = 3.0: .*valid integer"),
        ('[output]\nmirror = "yes"\n', r"line 2: output.mirror = 'yes': .*valid boolean"),
        ("[output]\nmirror = 1\n", r"line 2: output.mirror = 1: .*valid boolean"),
        ('[camera]\nfps = "24"\n', r"line 2: camera.fps = '24': .*valid number"),
        ('[model]\nengine = "openvno"\n', r'line 2: model.engine = .*did you mean "openvino"'),
        ("[look]\nseed = 1\nseed = 2\n", r'line 3: not valid TOML: Key "seed" already exists'),
        # What only Python takes for the end of a line.
        ('[look]\nprompt = "a\u2028b"\nseed = \n', r'line 3: .*a value is expected after "="'),
        ("a=0\x0b\x00", r"line 1: not valid TOML: Invalid number"),
        ("a=0\r\x00", r"line 1: not valid TOML: Control characters"),
    ],
)
def test_mistake_names_file_line_key_and_expectation(write, text, sentence):
    path = write(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_mistake_outside_the_file_names_its_source(write, monkeypatch):
    path = write("")
    with pytest.raises(UsageError, match=r"^Command line: look.strength = 7"):
        load(path, {"look": {"strength": 7}})
    monkeypatch.setenv("SDCAM_LOOK__STRENGTH", "lots")
    with pytest.raises(UsageError, match=r"SDCAM_LOOK__STRENGTH: look.strength = 'lots'"):
        load(path)


def test_covered_mistake_in_the_file_is_reported(write, monkeypatch):
    path = write("[look]\nstrength = 7\nblend = -1\n")
    monkeypatch.setenv("SDCAM_LOOK__BLEND", "0.5")
    with pytest.raises(ConfigError) as caught:
        load(path, {"look": {"strength": 0.5}})
    assert [(m.key, m.origin.line) for m in caught.value.issues] == [
        ("look.strength", 2),
        ("look.blend", 3),
    ]
    with pytest.raises(ConfigError) as caught:
        load(path, {"look": {"strength": 8}})
    assert [str(m.origin) for m in caught.value.issues] == [
        f"{path}:2",
        f"{path}:3",
        "command line",
    ]


def test_a_named_file_must_exist(tmp_path):
    with pytest.raises(UsageError, match=r"does not exist"):
        load(tmp_path / "nowhere.toml")


def test_wide_render_sizes(write):
    settings = load(write('[model]\nrender_size = "768x448"\n[output]\nfit = "blur"\n'))
    assert settings.model.size == (768, 448)
    assert settings.output.fit is Fit.BLUR


def test_line_of_dotted_and_quoted_keys():
    text = 'look.seed = 1\n[styles]\n"pop art" = "a"\n[a.b]\nc = 1\n'
    assert line_of(text, ["look", "seed"]) == 1
    assert line_of(text, ["styles", "pop art"]) == 3
    assert line_of(text, ["a", "b", "c"]) == 5
    assert line_of(text, ["styles"]) == 2
    assert line_of(text, ["nowhere"]) is None


def test_number_as_camera_and_render_size(write):
    settings = load(write("[camera]\ndevice = 1\n[model]\nrender_size = 512\n"))
    assert (settings.camera.device, settings.model.size) == ("1", (512, 512))


def test_environment_and_command_line_text_is_converted(write, monkeypatch):
    monkeypatch.setenv("SDCAM_CAMERA__FPS", "24")
    settings = load(write('[output]\nfps = 24\nfit = "pad"\n'), {"look": {"seed": "3"}})
    assert (settings.camera.fps, settings.output.fps, settings.look.seed) == (24.0, 24.0, 3)


def test_all_mistakes_are_reported_in_order_of_lines(write):
    path = write("[look]\nstrength = 2\n\n[lok]\n[output]\nfps = 0\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [(m.key, m.origin.line) for m in caught.value.issues] == [
        ("look.strength", 2),
        ("lok", 4),
        ("output.fps", 6),
    ]
    again = pickle.loads(pickle.dumps(caught.value))  # errors cross pipes between processes
    assert (str(again), again.issues) == (str(caught.value), caught.value.issues)


def test_line_of_skips_strings_and_comments():
    text = '[look]\nprompt = """\n[look]\nstrength = 2 # """\nstrength = 3 # "\nseed = 4\n'
    assert line_of(text, ["look", "strength"]) == 5
    assert line_of(text, ["look", "seed"]) == 6
    assert line_of('"a.b" = 1\n[[a]]\nb = 1\n', ["a", "b"]) == 3


def test_byte_order_mark_and_crlf(write):
    path = write("")
    path.write_bytes(b"\xef\xbb\xbf[look]\r\nseed = 3\r\nstrength = 2\r\n")
    with pytest.raises(ConfigError, match="line 3"):
        load(path)


def test_origin_of_a_value(write, monkeypatch):
    monkeypatch.setenv("SDCAM_LOOK__STRENGTH", "0.3")
    monkeypatch.setenv("SDCAM_CAMERA", '{"fps": 24}')
    sources = ConfigSources.read(write("[look]\nblend = 0.2\n"), {"look": {"prompt": "x"}})
    origins = {
        key: str(sources.origin(["look", key])) for key in ("prompt", "strength", "blend", "seed")
    }
    assert origins == {
        "prompt": "command line",
        "strength": "SDCAM_LOOK__STRENGTH",
        "blend": f"{sources.path}:2",
        "seed": "default",
    }
    assert str(sources.origin(["camera", "fps"])) == "SDCAM_CAMERA"
    assert str(sources.origin(["camera", "width"])) == "default"


@pytest.mark.parametrize("text", ["1984", "true", "1e3", "0x10", "nan", "2026-11-21", ".5"])
def test_text_key_gets_the_text(write, monkeypatch, text):
    """What looks like a number is the prompt that was written."""
    overrides = tree_of(assignments([f"look.prompt={text}", f"styles.mine={text}"]))
    settings = load(write(""), overrides)
    assert (settings.look.prompt, settings.styles["mine"]) == (text, text)
    monkeypatch.setenv("SDCAM_LOOK__PROMPT", text)
    assert load(write("")).look.prompt == text


def test_quoted_text_on_the_command_line_is_unquoted(write):
    overrides = tree_of(assignments(['look.prompt="1984"', "camera.device='7'", 'styles.a="b']))
    settings = load(write(""), overrides)
    assert (settings.look.prompt, settings.camera.device) == ("1984", "7")
    assert settings.styles["a"] == '"b'


def test_number_and_switch_keys_convert_text(write):
    words = ["look.strength=.5", "look.seed=3", "output.mirror=yes", "output.fit=pad"]
    settings = load(write(""), tree_of(assignments(words)))
    assert (settings.look.strength, settings.look.seed) == (0.5, 3)
    assert (settings.output.mirror, settings.output.fit) == (True, Fit.PAD)
    with pytest.raises(ConfigError, match=r"Command line: look.seed = '3.5': .*valid integer"):
        load(write(""), tree_of(assignments(["look.seed=3.5"])))
