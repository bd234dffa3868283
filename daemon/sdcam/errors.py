"""What can go wrong, sorted by what the user has to do about it.

Every message is one sentence that says what happened and on which device or file, followed by
what to do next. The command line prints it as its last line on stderr and exits with the code.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    FAULT = 1
    USAGE = 2  # the command line or the configuration
    MISSING = 3  # a device, a permission or a model
    INTERRUPTED = 130  # Ctrl-C, as shells count it: 128 + SIGINT


class SdcamError(Exception):
    """A fault that is explained to the user. `what` happened; `todo`, what to do next."""

    exit_code = ExitCode.FAULT

    def __init__(self, what: str, todo: str = "") -> None:
        self.what = what.rstrip()
        self.todo = todo.strip()
        super().__init__(f"{self.what} {self.todo}".strip())

    def __reduce__(self) -> tuple[type[SdcamError], tuple[str, str]]:
        return type(self), (self.what, self.todo)  # errors cross pipes between processes


class UsageError(SdcamError):
    """The command line or the configuration is wrong."""

    exit_code = ExitCode.USAGE


class MissingError(SdcamError):
    """A device, a permission or a model is not there (yet)."""

    exit_code = ExitCode.MISSING
