"""A yes-or-no question at the terminal."""

from __future__ import annotations

import sys

from sdcam.errors import UsageError


def agreed(question: str, yes: bool) -> bool:
    """
    Args:
        yes: it was answered on the command line.

    Raises:
        UsageError: nobody is there to answer.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"Nobody can answer: {question}", "Add --yes.")
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False
