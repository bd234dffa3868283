"""A bundle that is what it was made from passes; one that is not, fails or is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sdcam.errors import MissingError, UsageError
from sdcam.models import ModelFolder
from sdcam.models.bundle import CARD, Bundle
from sdcam.pipeline.scheduler import NoiseSchedule
from sdcam_convert import verify
from sdcam_convert.mil import Program
from sdcam_convert.reference import FEEDBACK, TIMESTEPS, Reference
from sdcam_convert.report import Report
from sdcam_convert.verification import verify_bundle


@pytest.fixture(scope="module")
def verified(tiny_conversion: SimpleNamespace, tiny_model: ModelFolder) -> SimpleNamespace:
    said: list[str] = []
    report = verify_bundle(tiny_conversion.bundle, tiny_model, said.append)
    return SimpleNamespace(report=report, said=said)


def test_a_conversion_of_the_tiny_model_passes(verified: SimpleNamespace) -> None:
    report: Report = verified.report
    assert report.passed, report.table()
    assert not report.findings


def test_every_program_is_measured_at_every_timestep(verified: SimpleNamespace) -> None:
    measured = {(line.program, line.output) for line in verified.report.lines}
    assert measured == {
        ("time_embedding", "weights"),
        ("text_encoder", "prompt_embeds"),
        ("encode", "latent"),
        ("unet", "noise"),
        ("decode", "styled"),
        ("fused", "latent"),
        ("fused", "styled"),
    }
    for program in ("unet", "decode", "fused"):
        cases = {line.case for line in verified.report.lines if line.program == program}
        assert cases == {f"t = {timestep}" for timestep in TIMESTEPS}
    assert verified.said[0].startswith("reference")
    assert verified.said[1:] == ["text_encoder", "encode", "unet", "decode", "fused"]


def test_half_precision_shows_and_is_small(verified: SimpleNamespace) -> None:
    """The figures are not of a comparison with itself."""
    for line in verified.report.lines[1:]:
        assert 1e-5 < line.difference.relative_l2 < 3e-3


class Brightened:
    """A program whose pictures come out two per cent too bright."""

    def __init__(self, path: Path) -> None:
        self._program = Program.load(path)
        self.inputs = self._program.inputs
        self.new_states = self._program.new_states
        self.overflows = {"bright": 7e4} if path.stem == "decode" else {}

    def run(self, *given: Any, **named: Any) -> dict[str, Any]:
        results = self._program.run(*given, **named)
        return {
            name: value * np.float32(1.02) if name == "styled" else value
            for name, value in results.items()
        }


def only(bundle: Bundle, *layouts: str) -> Bundle:
    return replace(bundle, card=replace(bundle.card, layouts=layouts))


def test_a_program_that_computes_something_else_fails(
    tiny_conversion: SimpleNamespace, tiny_model: ModelFolder
) -> None:
    staged = only(tiny_conversion.bundle, "staged")
    report = verify_bundle(staged, tiny_model, open_=Brightened)
    assert not report.passed
    assert {line.program for line in report.lines if not line.passed} == {"decode"}
    overflow = "decode.mlpackage, bright: 70000 does not fit into float16"
    assert [str(finding) for finding in report.findings] == [overflow]


def test_another_checkpoint_is_refused(
    tiny_conversion: SimpleNamespace, tiny_model: ModelFolder
) -> None:
    other = replace(tiny_model, scheduler={**tiny_model.scheduler, "beta_end": 0.5})
    with pytest.raises(UsageError, match="was not made from"):
        verify_bundle(tiny_conversion.bundle, other)


def test_a_damaged_bundle_is_refused(
    tiny_conversion: SimpleNamespace, tiny_model: ModelFolder, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(tiny_conversion.bundle.path, tmp_path / "bundle"))
    weights = next((copy / "unet.mlpackage").rglob("weight.bin"))
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(MissingError, match=r"weight\.bin is not what was written"):
        verify_bundle(Bundle.open(copy), tiny_model)


def test_the_reference_is_one_step_of_img2img(tiny_model: ModelFolder) -> None:
    """Rounded, it paints what the textbook's equations give from its own noise."""
    reference = Reference(tiny_model, (128, 64))
    embeds = reference.prompts()[""]
    frames = reference.frames(embeds, carry=True)
    assert not frames[0].previous_latent.any()
    np.testing.assert_array_equal(frames[1].previous_latent, frames[0].latent)
    for frame in frames:
        level = NoiseSchedule.from_config(tiny_model.scheduler).level(frame.timestep)
        mixed = (1 - FEEDBACK) * frame.clean + FEEDBACK * frame.previous_latent
        noisy = level.sqrt_alpha * mixed + level.sqrt_one_minus_alpha * frame.noise
        np.testing.assert_allclose(frame.noisy, noisy, rtol=1e-4, atol=1e-5)
        textbook = (frame.noisy - level.sqrt_one_minus_alpha * frame.predicted) / level.sqrt_alpha
        np.testing.assert_allclose(frame.latent, textbook, rtol=1e-3, atol=1e-3)
        decoded = reference._run("decode", frame.latent)[0]
        assert np.abs(np.rint(frame.styled) - decoded.astype(np.float32)).max() <= 1


def test_the_command_prints_the_report_and_its_exit_code_is_the_verdict(
    tiny_conversion: SimpleNamespace,
    verified: SimpleNamespace,
    tiny_model: ModelFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report: Report = verified.report
    monkeypatch.setattr("sdcam_convert.verification.verify_bundle", lambda *given: report)
    command = [str(tiny_conversion.bundle.path), "--reference", str(tiny_model.path)]
    assert verify.main(command) == 0
    assert capsys.readouterr().out.rstrip() == report.table()
    assert verify.main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(report.json())
    report = replace(report, lines=(replace(report.lines[1], gate=0.0),))
    assert verify.main(command) == 1


def test_a_missing_bundle_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main([str(tmp_path)]) == 3
    assert f"is no converted model ({CARD}" in capsys.readouterr().err


def test_the_command_finds_the_checkpoint_that_the_bundle_names(
    tiny_conversion: SimpleNamespace, tiny_model: ModelFolder
) -> None:
    bundle = tiny_conversion.bundle
    card = replace(bundle.card, source=str(tiny_model.path))
    assert verify._checkpoint_of(replace(bundle, card=card)).path == tiny_model.path
    with pytest.raises(MissingError, match="is missing") as caught:
        verify._checkpoint_of(bundle)
    assert "--reference" in caught.value.todo
