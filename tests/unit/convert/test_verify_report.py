"""A report says how far each output is from its reference, and whether that is near enough."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from sdcam.models.bundle import BundleCard
from sdcam_convert.difference import Difference, gate_of
from sdcam_convert.graph_check import Finding
from sdcam_convert.report import Line, Report


def card(**given: object) -> BundleCard:
    known: dict[str, object] = {
        "model": "m", "width": 64, "height": 64, "latent_channels": 4, "embed_channels": 8,
        "time_channels": 16, "layouts": ("fused",), "scheduler": {}, "files": {},
    }  # fmt: skip
    return BundleCard(**(known | given))


def line(relative: float, gate: float = 1e-3) -> Line:
    return Line("unet", "noise", "t = 999", Difference(relative, 0.5, 60.0), gate)


def test_a_difference_has_three_measures() -> None:
    theirs = np.array([3.0, 4.0, 0.0])
    apart = Difference.between(theirs + np.array([0, 0, 0.5]), theirs)
    assert apart.relative_l2 == pytest.approx(0.1)
    assert apart.max_error == 0.5
    assert apart.psnr == pytest.approx(20 * math.log10(4 / math.sqrt(0.25 / 3)))
    of_pictures = Difference.between(theirs + 1, theirs, peak=255)
    assert of_pictures.psnr == pytest.approx(20 * math.log10(255))


def test_equal_arrays_have_no_difference() -> None:
    same = Difference.between(np.ones(3), np.ones(3))
    assert same == Difference(0.0, 0.0, math.inf)


def test_arrays_of_other_shapes_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        Difference.between(np.ones((1, 3)), np.ones(3))


@pytest.mark.parametrize(
    ("given", "gate"),
    [
        ({"precision": "fp32"}, 1e-3),
        ({"precision": "fp16"}, 3e-3),
        ({"compression": "int8"}, 0.05),
        ({"compression": "palette-8"}, 0.05),
        ({"compression": "palette-6"}, 0.13),
        ({"compression": "palette-4"}, 0.5),
        ({"compression": "mixed-4.5"}, 0.5),
        ({"compression": "palette-2"}, 0.7),
        ({"compression": "mixed-3"}, 0.7),
    ],
    ids=str,
)
def test_a_gate_follows_from_the_card(given: dict[str, str], gate: float) -> None:
    assert gate_of(card(**given), "unet", "noise") == gate


def test_pictures_of_compressed_programs_have_a_narrower_gate() -> None:
    compressed = card(compression="palette-4")
    assert gate_of(compressed, "fused", "styled") == pytest.approx(0.5 / 3)
    assert gate_of(card(), "fused", "styled") == 3e-3


@pytest.mark.parametrize(("program", "output"), [("encode", "latent"), ("decode", "styled")])
def test_what_is_never_compressed_has_the_gate_of_what_is_not(program: str, output: str) -> None:
    assert gate_of(card(compression="palette-4"), program, output) == 3e-3


def test_one_line_beyond_its_gate_fails_the_bundle() -> None:
    good = Report("b", "r", (line(9e-4),), ())
    bad = Report("b", "r", (line(9e-4), line(2e-3)), ())
    assert good.passed
    assert not bad.passed
    assert "PASS" in good.table()
    assert "FAIL: 1 of 2 outputs" in bad.table()


def test_what_is_no_number_fails() -> None:
    broken = Difference.between(np.array([np.nan, 1]), np.ones(2))
    report = Report("b", "r", (Line("unet", "noise", "", broken, 1e-3),), ())
    assert not report.passed
    assert json.loads(report.json())["outputs"][0]["relative_l2"] is None


def test_a_finding_in_a_graph_fails_the_bundle() -> None:
    finding = Finding("fused.mlpackage", "sin_0", "sin of a timestep")
    report = Report("b", "r", (line(0),), (finding,))
    assert not report.passed
    assert "graph: fused.mlpackage, sin_0: sin of a timestep" in report.table()


def test_json_has_the_numbers_unrounded() -> None:
    whole = json.loads(Report("b", "r", (line(1.23456e-4),), ()).json())
    assert whole["passed"] is True
    assert whole["outputs"] == [
        {
            "program": "unet", "output": "noise", "input": "t = 999", "relative_l2": 1.23456e-4,
            "max_error": 0.5, "psnr": 60.0, "gate": 1e-3, "passed": True,
        }
    ]  # fmt: skip
