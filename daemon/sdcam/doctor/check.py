"""A check: one question about this machine; and a finding: its answer, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sdcam.doctor.world import World
from sdcam.errors import ExitCode, SdcamError

LINUX, MACOS = "linux", "darwin"
_LONGEST_FAULT = 200


class Group(str, Enum):
    MACHINE = "This machine"
    CAMERA = "Camera"
    VIRTUAL_CAMERA = "Virtual camera"
    MODEL = "Model"
    CONFIGURATION = "Configuration"
    SERVICE = "Service"
    DISK = "Disk"


class Verdict(str, Enum):
    OK = "ok"
    WARNING = "warning"
    TROUBLE = "trouble"
    NOT_HERE = "not applicable"  # the question does not arise on this machine


@dataclass(frozen=True)
class Finding:
    """
    Attributes:
        found: a sentence.
        fix: what to do, a line each: exact commands and places to click.
        link: where it is discussed.
        exit_code: of the whole command, if nothing is worse.
    """

    verdict: Verdict
    found: str
    fix: tuple[str, ...] = ()
    link: str = ""
    exit_code: ExitCode = ExitCode.DONE


def ok(found: str) -> Finding:
    return Finding(Verdict.OK, found)


def not_here(why: str) -> Finding:
    return Finding(Verdict.NOT_HERE, why)


def warning(found: str, *fix: str, link: str = "") -> Finding:
    return Finding(Verdict.WARNING, found, fix, link)


def trouble(found: str, *fix: str, link: str = "") -> Finding:
    return Finding(Verdict.TROUBLE, found, fix, link, ExitCode.FAULT)


def missing(found: str, *fix: str, link: str = "") -> Finding:
    """A trouble: a device, a permission or a model is not there."""
    return Finding(Verdict.TROUBLE, found, fix, link, ExitCode.MISSING)


def of_error(error: SdcamError) -> Finding:
    """The program's own sentence."""
    kind = missing if error.exit_code == ExitCode.MISSING else trouble
    return kind(error.what, *filter(None, [error.todo]))


@dataclass(frozen=True)
class Check:
    """
    Attributes:
        name: as people and programs know it, such as "exclusive_caps".
        look: may raise anything; that is a finding, too.
        only_on: the platforms that it makes sense on; empty for all.
    """

    group: Group
    name: str
    look: Callable[[World], Finding]
    only_on: tuple[str, ...] = ()

    def examine(self, world: World) -> Finding:
        try:
            return self.look(world)
        except SdcamError as error:
            return warning(f"could not be found out: {error.what}", *filter(None, [error.todo]))
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            return warning(f"could not be found out: {text[:_LONGEST_FAULT]}")
