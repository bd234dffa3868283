"""What is meant by a line that is no TOML: the slips that people make most, and their remedy.

A parser says which character it did not expect; who writes `prompt = anime` needs to hear that text
stands in quotes.
"""

from __future__ import annotations

import re

import tomlkit

_KEY = r"""^\s*(?P<key>[\w.-]+|"[^"]*"|'[^']*')\s*"""
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
# With what people write behind one: "50%", "1280px", "0.5;".
_NUMBER = re.compile(r"(-?)\+?(\d*)(?:[.,](\d*))?(?<=[\d.,])(?:[;%]|px|fps|s|f)?")
_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}
_QUOTES = "\"'“”„‟‘’‚«»`´"
_LONGEST_LINE = 200

# The first that fits a line, and the first that fits the value behind a key.
_LINES = (
    (r"\s*(?://|;)", "a comment begins with #"),
    (r"\s*\[\s*(?P<key>[^\[\]#]+?)\s*(?:#.*)?$", 'a section ends with "]": [{key}]'),
    (
        r"\s*(?P<key>\w[\w.-]*(?:[ \t]+[\w.-]+)+)\s*=(?P<value>.*)",
        'a name of several words stands in quotes: "{key}" = {meant}',
    ),
    (_KEY + r":=?(?P<value>.*)", '"=" stands behind a key, no colon: {key} = {meant}'),
    (_KEY + r"==+(?P<value>.*)", '"=" stands once: {key} = {meant}'),
    (_KEY + r"(?P<value>[^=]*)$", '"=" and a value stand behind a key: {key} = {meant}'),
)
_ASSIGNED = re.compile(_KEY + r"=(?P<value>.*)")
_VALUES = (
    (r"", 'a value stands behind "=": {key} = {meant}'),
    (
        "(?i:" + "|".join(_SWITCHES) + ")",
        "true and false are written in small letters: {key} = {meant}",
    ),
    (_NUMBER.pattern, "a number is written like this: {key} = {meant}"),
    (r"""[^"'\[{].*""", "text stands in quotes: {key} = {meant}"),
    (r""""[^"]*|'[^']*""", "a string is not closed on its line: {key} = {meant}"),
    (r"'(?!'').*", "text with an apostrophe stands in double quotes: {key} = {meant}"),
    (r'".*\\.*', "a backslash in double quotes is written twice, or the text in single quotes"),
    (r'"(?!"").*', "nothing stands behind a value: {key} = {meant}"),
)


def slip(line: str) -> str | None:
    """What was expected in this line, None where there is no telling."""
    shown = line.replace("\t", " ").rstrip()
    if len(line) > _LONGEST_LINE or not shown.isprintable() or _is_toml(line):
        return None  # what is wrong with it, others tell better
    for pattern, sentence in _LINES:
        if found := re.match(pattern, line):
            named = found.groupdict()
            return sentence.format(key=named.get("key"), meant=_meant(named.get("value") or ""))
    if assigned := _ASSIGNED.match(line):
        value = _COMMENT.sub("", assigned["value"]).strip()
        for pattern, sentence in _VALUES:
            if re.fullmatch(pattern, value):
                return sentence.format(key=assigned["key"], meant=_meant(value))
    return None


def _meant(text: str) -> str:
    """The TOML value that the text stands for."""
    text = _COMMENT.sub("", text).strip()
    if not text:
        return "..."
    if text.lower() in _SWITCHES:
        return _SWITCHES[text.lower()]
    if number := _NUMBER.fullmatch(text):
        sign, whole, part = number[1], number[2].lstrip("0") or "0", number[3]
        return f"{sign}{whole}" if part is None else f"{sign}{whole}.{part or 0}"
    if text[0] == '"' and (end := text.find('"', 1)) > 0:
        return text[: end + 1]
    words = text.strip(_QUOTES + ",;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{words}"'


def _is_toml(line: str) -> bool:
    try:
        tomlkit.parse(line)
    except Exception:  # as in `file.parse_toml`
        return False
    return True
