"""Whatever is in the configuration file, or in its place: the last good settings stay in force or
the new ones are good, and the message about a mistake names the file."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdcam.errors import SdcamError
from sdcam.service.configuration import Configuration
from sdcam.settings import Settings
from sdcam.settings.default_file import default_text
from sdcam.settings.schema import sections
from sdcam.settings.watcher import ConfigWatcher

GOOD = '[look]\nprompt = "the last good one"\nstrength = 0.25\n'
DEFAULT = default_text()

KEYS = [f"{name}.{key}" for name, model in sections().items() for key in model.model_fields]
names = st.sampled_from([*KEYS, "look.strenght", "lok.prompt", "styles.mine", "styles", "look"])
texts = st.text(max_size=30)
numbers = st.one_of(
    st.integers(-5, 5000),
    st.integers(),
    st.sampled_from([10**30, -(2**63), 10**400]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0.0, 1.0),
)
words = st.sampled_from(
    [
        "auto",
        "crop",
        "blur",
        "512",
        "768x448",
        "١٢٣x٦٤",
        "~nobody-here/x",
        "\0",
        "cpu-only",
        "x" * 2000,
    ]
)
scalars = st.one_of(numbers, texts, words, st.booleans(), st.datetimes(), st.dates(), st.times())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


def as_toml(said):
    """Assignments as a file; what tomlkit cannot write is written by hand, right or wrong."""
    lines = []
    for dotted, value in said.items():
        try:
            written = tomlkit.item(value).as_string()
        except Exception:
            written = repr(value)
        lines.append(f"{dotted} = {written}")
    return "\n".join(lines) + "\n"


assignments = st.dictionaries(names, values, max_size=6).map(as_toml)
by_hand = st.lists(st.tuples(names, st.text(max_size=20)), max_size=5).map(
    lambda pairs: "\n".join(f"{name} = {value}" for name, value in pairs)
)
headers = st.lists(
    st.tuples(
        st.sampled_from(["[look]", "[[look]]", "[look", "[output.x]", "[]", "[styles]"]), by_hand
    ),
    max_size=3,
).map(lambda parts: "\n".join(f"{header}\n{body}" for header, body in parts))
truncated = st.integers(0, len(DEFAULT)).map(lambda end: DEFAULT[:end])


@st.composite
def damaged(draw):
    """The documented file with a few places written over."""
    text = list(DEFAULT)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text) - 1))
        text[place : place + draw(st.integers(0, 6))] = draw(st.text(max_size=6))
    return "".join(text)


def encoded(text):
    return st.sampled_from(["plain", "bom", "crlf", "utf-16", "latin-1"]).map(
        lambda how: {
            "plain": lambda: text.encode("utf-8", "surrogatepass"),
            "bom": lambda: b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass"),
            "crlf": lambda: text.replace("\n", "\r\n").encode("utf-8", "surrogatepass"),
            "utf-16": lambda: text.encode("utf-16", "surrogatepass"),
            "latin-1": lambda: text.encode("latin-1", "replace"),
        }[how]()
    )


files = st.one_of(
    st.binary(max_size=200),
    st.one_of(assignments, by_hand, headers, truncated, damaged()).flatmap(encoded),
)


def is_good(configuration):
    """What is in force holds every bound of the models."""
    in_force = configuration.settings
    assert Settings.model_validate(in_force.model_dump()) == in_force


def obeys(configuration, path):
    """One reload of what lies there now: good, or a mistake that changes nothing."""
    before = configuration.settings
    changes = configuration.reload()
    if changes is None:
        assert configuration.settings is before
        assert str(path) in str(configuration.error)
        for issue in configuration.error.issues:
            assert issue.expected
            assert issue.origin.line is None or issue.origin.line >= 1
            assert len(str(issue)) < 1000
    else:
        assert configuration.error is None
        is_good(configuration)
    return changes


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "config.toml"


class Counted:
    files = 0
    refused = 0


@settings(max_examples=2200, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(content=files)
def test_2200_generated_files_never_raise(path, content):
    path.write_text(GOOD)
    configuration = Configuration.read(path)
    path.write_bytes(content)
    Counted.files += 1
    Counted.refused += obeys(configuration, path) is None
    path.write_text(GOOD)
    assert configuration.reload() is not None
    assert configuration.settings.look.prompt == "the last good one"


def test_generated_files_were_accepted_and_refused():
    if Counted.files:  # run with the test above
        assert Counted.files >= 2000
        assert 200 < Counted.refused < Counted.files - 50


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(edits=st.lists(files, min_size=2, max_size=6))
def test_sequences_of_generated_edits_never_raise(path, edits):
    path.write_text(GOOD)
    configuration = Configuration.read(path)
    for content in edits:
        path.write_bytes(content)
        obeys(configuration, path)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=3,
)
style_names = st.text(max_size=8).map(lambda name: f"styles.{name}")
commands = st.one_of(
    st.dictionaries(st.one_of(names, texts, style_names), json_values, min_size=1, max_size=3),
    st.dictionaries(style_names, texts, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(KEYS), words, min_size=1, max_size=3),
)
forms = st.sampled_from(
    ["", DEFAULT, GOOD, "look={seed=1}\n", "look.seed=1\nstyles.x='a'\n", "[look]\r\nseed=1\r\n"]
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(text=forms, values=commands, saves=st.booleans())
def test_generated_commands_never_raise(path, text, values, saves):
    """A name or a value that the file or a key cannot take is a sentence, and nothing changes."""
    path.write_bytes(text.encode())
    configuration = Configuration.read(path)
    before = configuration.settings
    try:
        (configuration.save if saves else configuration.set)(values)
    except SdcamError as error:
        assert len(str(error)) < 3000
        assert configuration.settings is before
        assert path.read_bytes() == text.encode()
    else:
        is_good(configuration)
        assert not configuration.reload()


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    return path


def replaced_by_folder(path):
    path.unlink()
    path.mkdir()


def replaced_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


def replaced_by_dangling_link(path):
    path.unlink()
    path.symlink_to("nowhere.toml")


def replaced_by_circle(path):
    path.unlink()
    path.symlink_to(path)


def larger_than_memory_should_bear(path):
    with path.open("wb") as file:
        file.truncate(10**12)


def folder_gone(path):
    path.rename(path.parent.parent / "elsewhere.toml")
    path.parent.rmdir()


@pytest.mark.parametrize(
    "staged",
    [
        replaced_by_folder,
        replaced_by_pipe,
        replaced_by_dangling_link,
        replaced_by_circle,
        larger_than_memory_should_bear,
        folder_gone,
        Path.unlink,
    ],
)
def test_folder_pipe_link_or_nothing_in_the_place_of_the_file(tmp_path, staged):
    path = tmp_path / "folder" / "config.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    configuration = Configuration.read(path)
    staged(path)
    open_before = psutil.Process().num_fds()
    assert obeys(configuration, path) is None
    assert psutil.Process().num_fds() == open_before


def test_unreadable_file_keeps_the_settings():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "config.toml"
        path.write_text(GOOD)
        configuration = Configuration.read(path)
        path.chmod(0)
        if os.geteuid() == 0:  # root may read everything: be somebody else for a moment
            Path(folder).chmod(0o755)
            os.seteuid(65534)
            try:
                assert obeys(configuration, path) is None
            finally:
                os.seteuid(0)
        else:
            assert obeys(configuration, path) is None
        assert "Permission denied" in str(configuration.error)
        path.chmod(stat.S_IRUSR)
        assert obeys(configuration, path) is not None


def test_deep_nesting_and_huge_numbers(good):
    configuration = Configuration.read(good)
    for text in (
        "a=" + "[" * 5000,
        "a=" + "{b=" * 5000,
        ".".join("a" * 3000) + "=1",
        f"[{'.'.join('a' * 3000)}]",
        "look.seed=" + "9" * 5000,
        "look.strength=1e999999",
        "styles.x='" + "y" * 900_000 + "'",
    ):
        good.write_text(text)
        obeys(configuration, good)


def test_watcher_survives_broken_files(good):
    """The real thread, files of every kind one after the other, and at the end a good one."""
    configuration = Configuration.read(good)
    reloaded = threading.Event()

    def reload():
        obeys(configuration, good)
        reloaded.set()

    watcher = ConfigWatcher(good, reload)
    watcher.start()
    for content in (b"\0\1\2", b"[look", b"\xef\xbb\xbf[look]\r\nstrength = 7", b"lok = 1"):
        reloaded.clear()
        good.write_bytes(content)
        assert reloaded.wait(10)
        assert configuration.error
        assert configuration.settings.look.strength == 0.25
    reloaded.clear()
    written = time.monotonic()
    good.write_text("[look]\nstrength = 0.75\n")
    assert reloaded.wait(10)
    watcher.stop()
    assert configuration.settings.look.strength == 0.75, time.monotonic() - written
    assert configuration.error is None
