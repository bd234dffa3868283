"""Text from outside (a camera's name, a prompt, an error of a library), made safe to print."""

from __future__ import annotations

_REPLACEMENT = "\ufffd"
_JOINERS = "\u200c\u200d"  # between the parts of an emoji, and in Persian and Indic words


def plain_text(text: str, lines: bool = False) -> str:
    """`text` without what steers a terminal or turns the direction of writing: white space becomes
    a space, any other such character U+FFFD.

    Args:
        lines: line feeds stay.
    """
    if text.isprintable():
        return text
    if lines:
        return "\n".join(plain_text(line) for line in text.split("\n"))
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    from unicodedata import category

    if character.isprintable() or character in _JOINERS:
        return character
    if character.isspace():
        return " "
    # Private and unassigned ones do nothing; the newest emoji are unknown to an older Python.
    return character if category(character) in ("Co", "Cn") else _REPLACEMENT
