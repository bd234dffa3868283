"""Opens the configuration in the user's editor and waits until it is closed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from sdcam.errors import UsageError

# Where neither $VISUAL nor $EDITOR says: what the system calls its editor, then what is easy.
_EDITORS = ("sensible-editor", "nano", "vim", "vi")


def edit(path: Path) -> int:
    """Returns the exit code of the editor.

    Raises:
        UsageError: no editor, or the one that is named is not there.
    """
    words = _editor()
    try:
        return subprocess.run([*words, str(path)], check=False).returncode
    except OSError as error:
        raise UsageError(
            f"The editor {words[0]} cannot be started: {error.strerror}.",
            "Set VISUAL or EDITOR to one that is there.",
        ) from None


def _editor() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if named := os.environ.get(variable, "").strip():
            try:
                return shlex.split(named)
            except ValueError as error:
                raise UsageError(
                    f"{variable} = {named!r}: {error}.", "Mend the variable."
                ) from None
    if sys.platform == "darwin":
        return ["open", "-t", "-W"]  # the user's text editor, until it is closed
    for name in _EDITORS:
        if found := shutil.which(name):
            return [found]
    raise UsageError("No editor was found.", "Set VISUAL or EDITOR to the one that you use.")
