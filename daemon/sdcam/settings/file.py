"""The configuration file as text and as TOML, whatever lies in its place."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from sdcam.settings.mistakes import ConfigError
from sdcam.settings.slips import slip

_LARGEST = 1_000_000  # bytes; the documented default is under ten thousand


def read(path: Path) -> str:
    """Its text, with the line ends that it has.

    Raises:
        FileNotFoundError: there is none.
        ConfigError: it cannot be read, is no file, no text, or too large.
    """
    try:
        # What is not there at once (a pipe) must not hold up the service.
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
        return data.decode("utf-8-sig")  # a byte order mark is what some editors write
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError.of_file(path, "is not UTF-8 text", "Save it as UTF-8.", line) from None


def _bytes(descriptor: int, path: Path) -> bytes:
    """All of the file, or one byte more than is allowed."""
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(kind):
        raise ConfigError.of_file(path, "is a folder", "A TOML file is expected.")
    if not (stat.S_ISREG(kind) or stat.S_ISCHR(kind)):  # /dev/null is an empty file
        raise ConfigError.of_file(path, "is not a file", "A TOML file is expected.")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(_LARGEST + 1)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """
    Raises:
        ConfigError: not TOML; names the line.
    """
    try:
        return dict(tomlkit.parse(text).unwrap())
    except ParseError as error:
        parsers = str(error).partition(" at line ")[0].rstrip(".")
        number = _as_editors_count(text, error.line)
        wrong = slip(text.split("\n")[number - 1]) or parsers
        raise ConfigError.of_file(
            path, f"not valid TOML: {wrong}", "Mend that line.", number
        ) from None
    except Exception as error:  # a key twice; or garbage that the parser itself stumbles over
        wrong = str(error).rstrip(".") or type(error).__name__
        raise ConfigError.of_file(
            path, f"not valid TOML: {wrong}", "Mend that line.", _line_of_fault(text, type(error))
        ) from None


def _as_editors_count(text: str, number: int) -> int:
    """The parser's line number is one of `str.splitlines`, for which a form feed or U+2028 (in a
    prompt from a web page) ends a line, too."""
    before = text.splitlines(keepends=True)[: max(0, number - 1)]
    return sum(line.count("\n") for line in before) + 1


def _line_of_fault(text: str, kind: type[Exception]) -> int:
    """The line up to which the text must be read for this error, which names none itself."""
    lines = text.split("\n")
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            tomlkit.parse("\n".join(lines[:middle]))
            good = middle
        except kind:
            bad = middle
        except Exception:  # cut within a string of several lines
            good = middle
    return bad
