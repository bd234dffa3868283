"""The result of a verification: a table for people, JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from sdcam_convert.difference import Difference
from sdcam_convert.graph_check import Finding

_TITLES = ("program", "output", "input", "rel. L2", "max error", "PSNR", "gate", "")


@dataclass(frozen=True)
class Line:
    """One output of one program, on one input."""

    program: str  # "fused"
    output: str  # "latent"
    case: str  # "t = 999"
    difference: Difference
    gate: float  # largest relative L2

    @property
    def passed(self) -> bool:
        return self.difference.relative_l2 <= self.gate  # false for NaN, too


@dataclass(frozen=True)
class Report:
    bundle: str
    runtime: str  # what ran the programs
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]  # of the graph check, and overflows

    @property
    def passed(self) -> bool:
        return all(line.passed for line in self.lines) and not self.findings

    def table(self) -> str:
        """Several lines of text."""
        rows = [_TITLES, *map(_row, self.lines)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        text = [
            "  ".join(
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        graph = [f"graph: {finding}" for finding in self.findings] or ["graph: nothing wrong"]
        return "\n".join([f"{self.bundle}, by {self.runtime}", *text, *graph, self.verdict])

    @property
    def verdict(self) -> str:
        if self.passed:
            return f"PASS: {len(self.lines)} outputs within their gates"
        failed = sum(not line.passed for line in self.lines)
        return f"FAIL: {failed} of {len(self.lines)} outputs, {len(self.findings)} of the graph"

    def json(self) -> str:
        """One object, with the numbers unrounded; what is no number (NaN, infinity) is null."""
        lines = [
            {
                "program": line.program,
                "output": line.output,
                "input": line.case,
                **{name: _finite(value) for name, value in asdict(line.difference).items()},
                "gate": line.gate,
                "passed": line.passed,
            }
            for line in self.lines
        ]
        whole = {
            "bundle": self.bundle,
            "runtime": self.runtime,
            "passed": self.passed,
            "outputs": lines,
            "graph": [asdict(finding) for finding in self.findings],
        }
        return json.dumps(whole, indent=2, allow_nan=False)


def _row(line: Line) -> tuple[str, ...]:
    measured = line.difference
    return (
        line.program,
        line.output,
        line.case,
        f"{measured.relative_l2:.1e}",
        f"{measured.max_error:.1e}",
        f"{measured.psnr:.0f} dB",
        f"{line.gate:.2g}",
        "pass" if line.passed else "FAIL",
    )


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
