"""A step: one thing to see on a Mac, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify_mac.mac import Mac


class Verdict(str, Enum):
    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """
    Attributes:
        sentence: what was seen, or why the step was skipped.
        evidence: the output that it was judged by.
    """

    verdict: Verdict
    sentence: str
    evidence: str = ""


def passed(sentence: str, evidence: str = "") -> Result:
    return Result(Verdict.PASS, sentence, evidence)


def failed(sentence: str, evidence: str = "") -> Result:
    return Result(Verdict.FAIL, sentence, evidence)


def skipped(sentence: str, evidence: str = "") -> Result:
    return Result(Verdict.SKIPPED, sentence, evidence)


@dataclass(frozen=True)
class Step:
    """
    Attributes:
        id: as `--only` takes it.
        what: what is done.
        judged: what makes it pass.
        act: does it; an exception is a failure.
        row: of the table in docs/verification.md that it fills; "" for none.
        asks: a person has to be there; left out with --unattended.
        needs: steps that have to pass first.
    """

    id: str
    what: str
    judged: str
    act: Callable[[Mac], Result]
    row: str = ""
    asks: bool = False
    needs: tuple[str, ...] = ()
