"""The configuration file as text and as TOML, whatever is in its place. A mistake names its line,
and the usual typing mistakes are answered with the line as it should be."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from sdcam.settings.issues import ConfigError

_LARGEST = 1_000_000  # bytes; the documented default has less than ten thousand


def read(path: Path) -> str:
    """The text of the file, with the line ends that it has.

    Raises:
        FileNotFoundError: there is no file.
        ConfigError: it cannot be read, is not a file, not text, or too large.
    """
    try:
        # Without O_NONBLOCK a pipe would hold up the service until somebody writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = _bytes(descriptor, path)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError.of_file(path, f"cannot be read: {reason}") from None
    if len(data) > _LARGEST:
        raise ConfigError.of_file(path, f"is larger than {_LARGEST} bytes")
    try:
        return data.decode("utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError.of_file(path, "is not UTF-8 text", "Save it as UTF-8.", line) from None


def _bytes(descriptor: int, path: Path) -> bytes:
    """The content, or one byte more than is allowed."""
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(kind):
        raise ConfigError.of_file(path, "is a folder", "A TOML file is expected.")
    if not (stat.S_ISREG(kind) or stat.S_ISCHR(kind)):  # /dev/null is an empty file
        raise ConfigError.of_file(path, "is not a file", "A TOML file is expected.")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(_LARGEST + 1)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """
    Args:
        path: named in messages.

    Raises:
        ConfigError: not TOML; names the line.
    """
    try:
        return dict(tomlkit.parse(text).unwrap())
    except Exception as error:  # the parser itself fails on some garbage
        if isinstance(error, ParseError):
            line = _count_as_editors_do(text, error.line)
            reason = typo_hint(text.split("\n")[line - 1]) or str(error).partition(" at line ")[0]
        else:
            line = _line_of_error(text, type(error))
            reason = str(error) or type(error).__name__
        expected = f"not valid TOML: {reason.rstrip('.')}"
        raise ConfigError.of_file(path, expected, "Fix this line.", line) from None


def _count_as_editors_do(text: str, number: int) -> int:
    """The parser counts the lines of `str.splitlines`, for which a form feed or U+2028 (in a prompt
    copied from a web page) ends a line, too."""
    before = text.splitlines(keepends=True)[: max(0, number - 1)]
    return sum(line.count("\n") for line in before) + 1


def _line_of_error(text: str, kind: type[Exception]) -> int:
    """The line that brings this error about; an error such as a repeated key names none."""
    lines = text.split("\n")
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            tomlkit.parse("\n".join(lines[:middle]))
            good = middle
        except kind:
            bad = middle
        except Exception:  # the cut is within a string of several lines
            good = middle
    return bad


_NAME = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER_OR_KEY = rf"^\s*(?:\[\[?\s*(?P<table>{_DOTTED})\s*\]|(?P<key>{_DOTTED})\s*=)"
# Strings and comments may hold text that looks like a key.
_STRING_OR_COMMENT = (
    r'(?s)"""(?:\\.|[^\\])*?"""|' + r"'''.*?'''|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*"
)


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """The 1-based line of a key; of the table that holds it, if the key has no line of its own
    (inline tables); else None."""
    table_line = None
    for line, full, is_table in _named_lines(text):
        if full == list(keys) or (not is_table and full == list(keys[: len(full)])):
            return line
        if is_table and full == list(keys[: len(full)]):
            table_line = line
    return table_line


def _named_lines(text: str) -> Iterator[tuple[int, list[str], bool]]:
    """(line, ["look", "seed"], whether it is the header of a table)."""
    table: list[str] = []
    for number, line in enumerate(
        re.sub(_STRING_OR_COMMENT, _on_one_line, text).split("\n"), start=1
    ):
        if found := re.match(_HEADER_OR_KEY, line):
            names = [
                name.strip("\"'") for name in re.findall(_NAME, found["table"] or found["key"])
            ]
            if found["table"]:
                table = names
            yield number, names if found["table"] else table + names, bool(found["table"])


def _on_one_line(token: re.Match[str]) -> str:
    """Replaces a string over several lines by an empty one and as many line ends."""
    if token[0].startswith(('"""', "'''")):
        return '""' + "\n" * token[0].count("\n")
    return token[0]


_KEY = r"""^\s*(?P<key>[\w.-]+|"[^"]*"|'[^']*')\s*"""
_COMMENT = r"(?:^|\s+)#.*$"
# A number, and what people write behind one: "50%", "1280px", "0.5;".
_NUMBER = r"(-?)\+?(\d*)(?:[.,](\d*))?(?<=[\d.,])(?:[;%]|px|fps|s|f)?"
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
_QUOTES = "\"'“”„‟‘’‚«»`´"
_LONGEST_LINE = 200
# The first pattern that matches a line, then the first that matches the value behind a key, gives
# the hint.
_LINE_HINTS = (
    (r"\s*(?://|;)", "a comment begins with #"),
    (r"\s*\[\s*(?P<key>[^\[\]#]+?)\s*(?:#.*)?$", 'a section ends with "]": [{key}]'),
    (
        r"\s*(?P<key>\w[\w.-]*(?:[ \t]+[\w.-]+)+)\s*=(?P<value>.*)",
        'a name of several words needs quotes: "{key}" = {meant}',
    ),
    (_KEY + r":=?(?P<value>.*)", 'a key is followed by "=", not by a colon: {key} = {meant}'),
    (_KEY + r"==+(?P<value>.*)", 'a key is followed by a single "=": {key} = {meant}'),
    (_KEY + r"(?P<value>[^=]*)$", 'a key is followed by "=" and a value: {key} = {meant}'),
)
_VALUE_HINTS = (
    (r"", 'a value is expected after "=": {key} = {meant}'),
    (
        "(?i:" + "|".join(_SWITCHES) + ")",
        "true and false are written in small letters: {key} = {meant}",
    ),
    (_NUMBER, "a number is written like this: {key} = {meant}"),
    (r"""[^"'\[{].*""", "text needs quotes: {key} = {meant}"),
    (r""""[^"]*|'[^']*""", "a string ends on its line, with a quote: {key} = {meant}"),
    (r"'(?!'').*", "text with an apostrophe needs double quotes: {key} = {meant}"),
    (r'".*\\.*', "in double quotes a backslash is written twice; in single quotes, once"),
    (r'"(?!"").*', "nothing may follow a value: {key} = {meant}"),
)


def typo_hint(line: str) -> str | None:
    """What was expected in a line that is not TOML, and the line as it should be; None if there is
    no telling. "prompt = anime" needs quotes, but a parser only names an unexpected character."""
    if len(line) > _LONGEST_LINE or not line.replace("\t", " ").rstrip().isprintable():
        return None  # the parser's own message says it better
    if _is_toml(line):
        return None
    for pattern, hint in _LINE_HINTS:
        if found := re.match(pattern, line):
            groups = found.groupdict()
            return hint.format(key=groups.get("key"), meant=_meant(groups.get("value") or ""))
    if assigned := re.match(_KEY + r"=(?P<value>.*)", line):
        value = re.sub(_COMMENT, "", assigned["value"]).strip()
        for pattern, hint in _VALUE_HINTS:
            if re.fullmatch(pattern, value):
                return hint.format(key=assigned["key"], meant=_meant(value))
    return None


def _meant(text: str) -> str:
    """The TOML value that the text stands for."""
    text = re.sub(_COMMENT, "", text).strip()
    if not text:
        return "..."
    if text.lower() in _SWITCHES:
        return _SWITCHES[text.lower()]
    if number := re.fullmatch(_NUMBER, text):
        sign, whole, part = number[1], number[2].lstrip("0") or "0", number[3]
        return f"{sign}{whole}" if part is None else f"{sign}{whole}.{part or 0}"
    if text[0] == '"' and (end := text.find('"', 1)) > 0:
        return text[: end + 1]
    words = text.strip(_QUOTES + ",;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{words}"'


def _is_toml(line: str) -> bool:
    try:
        tomlkit.parse(line)
    except Exception:  # as in `parse_toml`
        return False
    return True
