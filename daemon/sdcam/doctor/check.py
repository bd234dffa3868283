"""A check asks one question about this machine; a finding is its answer, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sdcam.doctor.probe import HostProbe
from sdcam.errors import ExitCode, SdcamError

LINUX, MACOS = "linux", "darwin"
_MAX_FAULT = 200  # characters


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
    NOT_HERE = "not applicable"  # the question makes no sense on this machine


@dataclass(frozen=True)
class Finding:
    """
    Attributes:
        found: a sentence.
        fix: what to do, a line each: exact commands and places to click.
        link: where the problem is discussed.
        exit_code: of the whole command, unless another finding is worse.
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
    """A trouble: a device, a permission or a model is missing."""
    return Finding(Verdict.TROUBLE, found, fix, link, ExitCode.MISSING)


def of_error(error: SdcamError) -> Finding:
    """What the runtime says about the same fault."""
    kind = missing if error.exit_code == ExitCode.MISSING else trouble
    return kind(error.what, *filter(None, [error.todo]))


@dataclass(frozen=True)
class Check:
    """
    Attributes:
        name: for people and programs, such as "exclusive_caps"; unique in its group and system.
        look: may raise any exception, which is a finding, too.
        only_on: LINUX or MACOS; "" for both.
    """

    group: Group
    name: str
    look: Callable[[HostProbe], Finding]
    only_on: str = ""

    def examine(self, host: HostProbe) -> Finding:
        try:
            return self.look(host)
        except SdcamError as error:
            return warning(f"could not be found out: {error.what}", *filter(None, [error.todo]))
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            return warning(f"could not be found out: {text[:_MAX_FAULT]}")


def check(
    group: Group, name: str, only_on: str = ""
) -> Callable[[Callable[[HostProbe], Finding]], Check]:
    """Turns a function into a Check."""
    return lambda look: Check(group, name, look, only_on)
