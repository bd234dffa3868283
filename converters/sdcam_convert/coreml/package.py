"""Converts one program to one `.mlpackage`, or a few: trace, convert, cut into chunks, compress.

coremltools is imported here and in compression.py only.
"""

from __future__ import annotations

import io
import logging
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sdcam.models import ModelFolder
from sdcam_convert.coreml.compression import compress
from sdcam_convert.coreml.options import CoreMLOptions
from sdcam_convert.coreml.programs import Feature, TraceableProgram, build_program
from sdcam_convert.coreml.tracing import trace

_TYPES = {"float32": np.float32, "int32": np.int32}


def write_packages(
    name: str, model: ModelFolder, options: CoreMLOptions, folder: Path
) -> tuple[Path, ...]:
    """Converts one program into `folder`; a UNet in chunks becomes several packages.

    Args:
        name: one of `CoreMLOptions.programs`.
    """
    with _quiet():
        whole = folder / f"{name}.mlpackage"
        converted = _convert(build_program(name, model, options), options)
        converted.save(str(whole))
        del converted
        paths = _chunks(whole, options.chunks if name == "unet" else 1)
        for path in paths if options.compression else ():
            compress(path, options)
    return paths


def _convert(program: TraceableProgram, options: CoreMLOptions) -> Any:
    import coremltools as ct

    traced = trace(program.module, tuple(_example(feature) for feature in program.inputs))
    states = [
        ct.StateType(
            wrapped_type=ct.TensorType(shape=state.shape, dtype=np.float16), name=state.name
        )
        for state in program.states
    ]
    return ct.convert(
        traced,
        inputs=[_input(feature) for feature in program.inputs],
        outputs=[_output(feature) for feature in program.outputs],
        states=states or None,
        convert_to="mlprogram",
        minimum_deployment_target=getattr(ct.target, options.target),
        compute_precision=(
            ct.precision.FLOAT16 if options.precision == "fp16" else ct.precision.FLOAT32
        ),
        skip_model_load=True,  # loading would compile it, on a Mac only, for no use
    )


def _input(feature: Feature) -> Any:
    import coremltools as ct

    if feature.kind == "image":
        return ct.ImageType(feature.name, shape=feature.shape, color_layout=ct.colorlayout.RGB)
    return ct.TensorType(feature.name, shape=feature.shape, dtype=_TYPES[feature.kind])


def _output(feature: Feature) -> Any:
    import coremltools as ct

    if feature.kind == "image":
        return ct.ImageType(feature.name, color_layout=ct.colorlayout.RGB)
    return ct.TensorType(feature.name, dtype=_TYPES[feature.kind])


def _example(feature: Feature) -> torch.Tensor:
    """Any values: a trace does not keep them."""
    if feature.kind == "int32":
        return torch.zeros(feature.shape, dtype=torch.int32)
    return torch.rand(feature.shape)


def _chunks(whole: Path, count: int) -> tuple[Path, ...]:
    """Cuts a package into halves of equal weight until there are `count`; `unet_1` comes first.
    A chunk takes the program's own inputs and what earlier chunks made, by name."""
    import coremltools as ct

    if count == 1:
        return (whole,)
    pieces = [whole]
    while len(pieces) < count:
        halves = []
        for piece in pieces:
            ct.models.utils.bisect_model(
                str(piece), str(piece.parent), check_output_correctness=False
            )
            halves += [piece.with_name(f"{piece.stem}_chunk{n}.mlpackage") for n in (1, 2)]
            shutil.rmtree(piece)
        pieces = halves
    return tuple(
        piece.rename(whole.with_name(f"{whole.stem}_{number}.mlpackage"))
        for number, piece in enumerate(pieces, start=1)
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Shows coremltools' progress bars in terminals only, and hides its warnings about untested
    versions and about not running on a Mac."""
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        if not sys.stderr.isatty():
            stack.enter_context(redirect_stderr(io.StringIO()))
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.WARNING)
        yield
