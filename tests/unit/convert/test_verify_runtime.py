"""Core ML's own interface, as coremltools documents it, is spoken: here an evaluator answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coremltools
import numpy as np
import pytest
from PIL import Image

from sdcam_convert import runtime
from sdcam_convert.mil import Program
from sdcam_convert.mil.package import read_description
from sdcam_convert.runtime import CoreMLProgram, open_program


class MacModel:
    """`coremltools.models.MLModel` on a Mac: takes PIL pictures, gives RGBA ones."""

    def __init__(self, path: str, compute_units: Any) -> None:
        assert compute_units == coremltools.ComputeUnit.CPU_AND_GPU
        self._path = Path(path)
        self._program = Program.load(self._path)

    def get_spec(self) -> Any:
        return read_description(self._path)

    def predict(self, given: dict[str, Any]) -> dict[str, Any]:
        arrays = {name: np.asarray(value) for name, value in given.items()}
        assert all(
            isinstance(given[name], Image.Image) == (array.dtype == np.uint8)
            for name, array in arrays.items()
        )
        return {
            name: Image.fromarray(value).convert("RGBA") if value.dtype == np.uint8 else value
            for name, value in self._program.run(arrays).items()
        }


@pytest.fixture
def on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.sys, "platform", "darwin")
    monkeypatch.setattr(coremltools.models, "MLModel", MacModel)


def test_on_a_mac_core_ml_runs_the_programs(
    on_a_mac: None, tiny_conversion: SimpleNamespace
) -> None:
    encode = open_program(tiny_conversion.bundle.program("encode"))
    decode = open_program(tiny_conversion.bundle.program("decode"))
    assert isinstance(encode, CoreMLProgram)
    assert encode.inputs == ("image",)
    assert encode.new_states() is None
    picture = np.random.default_rng(0).integers(0, 256, (320, 384, 3), dtype=np.uint8)
    latent = encode.run({"image": picture})["latent"]
    styled = decode.run({"latent": latent}, as_bytes=False)["styled"]
    assert latent.shape == (1, 4, 40, 48)
    assert (styled.shape, styled.dtype) == ((320, 384, 3), np.uint8)
    assert runtime.runtime_name() == "Core ML, CPU and GPU"


def test_elsewhere_the_evaluator_does(
    monkeypatch: pytest.MonkeyPatch, tiny_conversion: SimpleNamespace
) -> None:
    monkeypatch.setattr(runtime.sys, "platform", "linux")
    assert isinstance(open_program(tiny_conversion.bundle.program("encode")), Program)
