"""A saved package runs as it says: types, pictures, states, and what is refused."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools
import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import Builder as mb  # noqa: N813  as Apple writes it
from coremltools.converters.mil.mil import types

from sdcam.errors import MissingError, SdcamError
from sdcam_convert.mil import Program
from sdcam_convert.mil.operation import OPERATIONS

HALF = 0.3  # as fp16: 0.30004883


def save(program: Any, path: Path, target: str = "macOS14", **given: Any) -> Path:
    coremltools.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=getattr(coremltools.target, target),
        compute_precision=coremltools.precision.FLOAT32,
        skip_model_load=True,
        **given,
    ).save(str(path))
    return path


@pytest.fixture(scope="module")
def tripled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = fp16(fp16(x) * 3), saved."""

    @mb.program(input_specs=[mb.TensorSpec((1, 2))], opset_version=coremltools.target.macOS14)
    def program(x: Any) -> Any:
        half = mb.cast(x=x, dtype="fp16")
        return mb.cast(x=mb.mul(x=half, y=np.float16(3)), dtype="fp32", name="y")

    return save(program, tmp_path_factory.mktemp("tripled") / "p.mlpackage")


def test_results_are_rounded_to_the_type_that_the_program_declares(tripled: Path) -> None:
    x = np.array([[HALF, 1e5]], np.float32)
    with np.errstate(over="ignore"):
        expected = (x.astype(np.float16) * np.float16(3)).astype(np.float32)
    np.testing.assert_array_equal(Program.load(tripled).run({"x": x})["y"], expected)
    assert np.isinf(expected[0, 1])


def test_results_that_do_not_fit_into_float16_are_named(tripled: Path) -> None:
    program = Program.load(tripled)
    program.run({"x": np.array([[HALF, 3e4]], np.float32)})
    (largest,) = program.overflows.values()
    assert largest == pytest.approx(9e4, rel=1e-3)
    fits = Program.load(tripled)
    fits.run({"x": np.array([[HALF, 2e4]], np.float32)})
    assert not fits.overflows


def test_in_float32_nothing_is_rounded(tripled: Path) -> None:
    x = np.array([[HALF, 1e5]], np.float32)
    y = Program.load(tripled, "fp32").run({"x": x})["y"]
    np.testing.assert_array_equal(y, x * np.float32(3))


def test_a_program_says_what_it_takes_and_is_made_of(tripled: Path) -> None:
    program = Program.load(tripled)
    assert (program.inputs, program.outputs) == (("x",), ("y",))
    assert program.operations == {"cast": 2, "mul": 1}


def test_wrong_inputs_are_named(tripled: Path) -> None:
    program = Program.load(tripled)
    with pytest.raises(ValueError, match=r"takes \('x',\), not \('z',\)"):
        program.run({"z": np.zeros((1, 2), np.float32)})
    with pytest.raises(ValueError, match=r"x is \(2, 2\), not \(1, 2\)"):
        program.run({"x": np.zeros((2, 2), np.float32)})


def test_an_unknown_operation_is_refused_by_name(build_mil: Callable[..., Any]) -> None:
    program = build_mil(lambda x: mb.atanh(x=mb.tan(x=x)), [torch.zeros(2)])
    with pytest.raises(SdcamError, match="does not know: atanh, tan"):
        Program(program.functions["main"], {}, "it.mlpackage")


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="is no Core ML program that can be read"):
        Program.load(tmp_path / "nothing.mlpackage")


def test_a_package_without_its_weights_is_refused(tmp_path: Path) -> None:
    @mb.program(input_specs=[mb.TensorSpec((1, 64))], opset_version=coremltools.target.macOS14)
    def program(x: Any) -> Any:
        return mb.linear(x=x, weight=np.ones((64, 64), np.float32), name="y")

    path = save(program, tmp_path / "p.mlpackage")
    next(path.rglob("weight.bin")).unlink()
    with pytest.raises(MissingError, match="is no Core ML program that can be read"):
        Program.load(path)


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_pictures_come_and_go_as_rgb_whatever_the_program_has(order: str, tmp_path: Path) -> None:
    """The program keeps the first of its own channels alone and darkens it by half."""
    layout = getattr(coremltools.colorlayout, order)
    keep = np.array([0.5, 0, 0], np.float32).reshape(1, 3, 1, 1)

    @mb.program(input_specs=[mb.TensorSpec((1, 3, 4, 6))], opset_version=coremltools.target.macOS14)
    def program(image: Any) -> Any:
        return mb.mul(x=image, y=keep, name="styled")

    program.functions["main"].set_output_types([coremltools.ImageType(color_layout=layout)])
    path = save(
        program,
        tmp_path / "p.mlpackage",
        inputs=[coremltools.ImageType("image", shape=(1, 3, 4, 6), color_layout=layout)],
    )
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    expected = np.zeros(picture.shape, np.float32)
    first = 0 if order == "RGB" else 2
    expected[:, :, first] = picture[:, :, first] / 2
    run = Program.load(path)
    exact = run.run({"image": picture}, as_bytes=False)["styled"]
    np.testing.assert_array_equal(exact, expected)
    styled = run.run({"image": picture})["styled"]
    assert styled.dtype == np.uint8
    np.testing.assert_array_equal(styled, np.rint(expected).astype(np.uint8))
    with pytest.raises(ValueError, match="a picture is"):
        run.run({"image": picture.astype(np.float32)})


def test_states_begin_with_zeros_and_live_as_long_as_their_owner_wants(tmp_path: Path) -> None:
    state = mb.StateTensorSpec((2,), types.fp16)

    @mb.program(input_specs=[mb.TensorSpec((2,)), state], opset_version=coremltools.target.macOS15)
    def program(x: Any, kept: Any) -> Any:
        more = mb.add(x=mb.read_state(input=kept), y=mb.cast(x=x, dtype="fp16"))
        new = mb.coreml_update_state(state=kept, value=more)
        return mb.cast(x=new, dtype="fp32", name="y")

    run = Program.load(save(program, tmp_path / "p.mlpackage", "macOS15"))
    assert run.inputs == ("x",)
    states = run.new_states()
    x = np.array([1, HALF], np.float32)
    sums = [run.run({"x": x}, states)["y"] for _ in range(3)]
    half = np.float16(HALF)
    np.testing.assert_array_equal(sums[-1], np.array([3, half + half + half], np.float32))
    np.testing.assert_array_equal(run.run({"x": x})["y"], np.array([1, half], np.float32))


def test_tensors_are_let_go_after_their_last_use(
    build_mil: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def chain(x: Any) -> Any:
        for _ in range(6):
            x = mb.tanh(x=x)
        return x

    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
    most = []
    tanh = OPERATIONS["tanh"]

    def watched(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = tanh(x=x)
        alive.add(result)
        most.append(len(alive))
        return result

    monkeypatch.setitem(OPERATIONS, "tanh", watched)
    program = Program(build_mil(chain, [torch.zeros(2)]).functions["main"], {}, "chain")
    program.run({program.inputs[0]: np.zeros(2, np.float32)})
    assert len(most) == 6
    assert max(most) == 2  # what an operation takes, and what it gives
