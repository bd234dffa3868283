"""A bundle against the PyTorch reference, program by program, on seeded inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdcam.errors import UsageError
from sdcam.models import ModelFolder
from sdcam.models.bundle import Bundle
from sdcam.models.tokenizer import ClipTokenizer
from sdcam.models.weights import WeightsFile
from sdcam_convert.difference import BYTES_GATE, Difference, gate_of
from sdcam_convert.graph_check import Finding, check_graph
from sdcam_convert.reference import FEEDBACK, PROMPTS, Frame, Reference
from sdcam_convert.report import Line, Report
from sdcam_convert.runtime import Runnable, open_program, runtime_name
from sdcam_convert.weight_check import check_weights

Array = NDArray[Any]

_TIME_WEIGHTS = tuple(
    f"time_embedding.linear_{n}.{part}" for n in (1, 2) for part in ("weight", "bias")
)
_PIXELS = 255.0


def verify_bundle(
    bundle: Bundle,
    reference: ModelFolder,
    progress: Callable[[str], None] = lambda text: None,
    open_: Callable[..., Runnable] = open_program,
) -> Report:
    """Runs every program of the bundle and checks every graph; minutes for a full-size model.

    Args:
        reference: the checkpoint that the bundle was made from.
        progress: gets a line for each program.
        open_: loads a program from its package.

    Raises:
        MissingError: a file of the bundle is damaged.
        UsageError: the checkpoint is of another shape than the bundle.
        SdcamError: a program has operations that cannot be run here.
    """
    _refuse_another_model(bundle, reference)
    for _ in bundle.verify_files():
        pass
    progress("reference: PyTorch, float32")
    card = bundle.card
    torch = Reference(reference, (card.width, card.height))
    prompts = torch.prompts()
    frames = torch.frames(prompts[PROMPTS[0]], carry=card.stateful)
    del torch  # the programs need the memory
    lines = [_time_line(bundle, reference)]
    overflows: dict[str, Mapping[str, float]] = {}

    def open_watched(path: Path) -> Runnable:
        program = open_(path)
        overflows[path.name] = program.overflows
        return program

    for name, measure in _measurements(bundle, prompts, frames):
        progress(name)
        lines += measure(open_watched)
    packages = sorted(bundle.path.glob("*.mlpackage"))
    unknown: list[Finding] = []
    for path in packages if card.compression else ():
        progress(f"{path.stem}: weights")
        found, strangers = check_weights(path, reference)
        lines += found
        unknown += strangers
    return Report(
        bundle=bundle.path.name,
        runtime=runtime_name(),
        lines=tuple(lines),
        findings=(
            *(finding for path in packages for finding in check_graph(path)),
            *unknown,
            *(
                Finding(package, name, f"{largest:.0f} does not fit into float16")
                for package, found in overflows.items()
                for name, largest in found.items()
            ),
        ),
    )


Measure = Callable[[Callable[..., Runnable]], Iterable[Line]]


def _measurements(
    bundle: Bundle, prompts: Mapping[str, Array], frames: list[Frame]
) -> Iterator[tuple[str, Measure]]:
    """What is to be measured, by the programs' names; each is loaded only when its turn comes."""
    layouts = bundle.card.layouts
    yield "text_encoder", lambda open_: _text_encoder(bundle, prompts, open_)
    if "staged" in layouts:
        yield "encode", lambda open_: _encode(bundle, frames, open_)
        yield "unet", lambda open_: _unet(bundle, frames, open_)
        yield "decode", lambda open_: _decode(bundle, frames, open_)
    if "fused" in layouts:
        yield "fused", lambda open_: _fused(bundle, frames, open_)


def _text_encoder(
    bundle: Bundle, prompts: Mapping[str, Array], open_: Callable[..., Runnable]
) -> Iterator[Line]:
    program = open_(bundle.program("text_encoder"))
    tokenize = ClipTokenizer(bundle.path / "tokenizer")
    for text, expected in prompts.items():
        results = program.run({"input_ids": tokenize(text).astype(np.int32)})
        case = f'"{text[:20]}"'
        yield _line(bundle, "text_encoder", "prompt_embeds", case, results, expected)


def _encode(bundle: Bundle, frames: list[Frame], open_: Callable[..., Runnable]) -> Iterator[Line]:
    program = open_(bundle.program("encode"))
    results = program.run({"image": frames[0].image})
    yield _line(bundle, "encode", "latent", "a picture", results, frames[0].clean)


def _unet(bundle: Bundle, frames: list[Frame], open_: Callable[..., Runnable]) -> Iterator[Line]:
    """In chunks, each takes by name what it needs of the inputs and of the chunks before it."""
    count = bundle.card.unet_chunks
    names = ["unet"] if count == 1 else [f"unet_{n}" for n in range(1, count + 1)]
    programs = [open_(bundle.program(name)) for name in names]
    for frame in frames:
        known = {
            "sample": frame.noisy,
            "time_embedding": frame.time_embedding,
            "prompt_embeds": frame.prompt_embeds,
        }
        for program in programs:
            known |= program.run({name: known[name] for name in program.inputs})
        yield _line(bundle, "unet", "noise", _at(frame), known, frame.predicted)


def _decode(bundle: Bundle, frames: list[Frame], open_: Callable[..., Runnable]) -> Iterator[Line]:
    program = open_(bundle.program("decode"))
    for frame in frames:
        results = program.run({"latent": frame.latent}, as_bytes=False)
        yield _line(bundle, "decode", "styled", _at(frame), results, frame.styled)


def _fused(bundle: Bundle, frames: list[Frame], open_: Callable[..., Runnable]) -> Iterator[Line]:
    """With a state of its own, the program sees the frames as one film."""
    program = open_(bundle.program("fused"))
    states = program.new_states()
    for frame in frames:
        inputs = {
            "image": frame.image,
            "prompt_embeds": frame.prompt_embeds,
            "noise": frame.noise,
            "previous_latent": frame.previous_latent,
            "time_embedding": frame.time_embedding,
            "feedback": _number(FEEDBACK),
            "sqrt_alpha": _number(frame.sqrt_alpha),
            "sqrt_one_minus_alpha": _number(frame.sqrt_one_minus_alpha),
        }
        if bundle.card.stateful:
            del inputs["previous_latent"]
        results = program.run(inputs, states, as_bytes=False)
        yield _line(bundle, "fused", "latent", _at(frame), results, frame.latent)
        yield _line(bundle, "fused", "styled", _at(frame), results, frame.styled)


def _line(
    bundle: Bundle,
    program: str,
    output: str,
    case: str,
    results: Mapping[str, Array],
    expected: Array,
) -> Line:
    result, gate = results[output], gate_of(bundle.card, program, output)
    peak = _PIXELS if output == "styled" else None
    if result.dtype == np.uint8:
        expected, gate = np.rint(expected), max(gate, BYTES_GATE)
    return Line(program, output, case, Difference.between(result, expected, peak), gate)


def _time_line(bundle: Bundle, reference: ModelFolder) -> Line:
    """The weights that the host embeds the timestep with are the checkpoint's own."""
    ours = WeightsFile.open(bundle.path / "time_embedding.safetensors")
    theirs = WeightsFile.open(reference.unet_weights)
    apart = Difference.between(_flat(ours), _flat(theirs))
    return Line("time_embedding", "weights", "", apart, 0.0)


def _flat(file: WeightsFile) -> Array:
    return np.concatenate([file.read(name).reshape(-1) for name in _TIME_WEIGHTS])


def _refuse_another_model(bundle: Bundle, reference: ModelFolder) -> None:
    card = bundle.card
    same = (
        card.latent_channels == reference.latent_channels
        and card.embed_channels == reference.embed_channels
        and card.scheduler == reference.scheduler
    )
    if not same:
        raise UsageError(
            f"{bundle.path} was not made from {reference.path}: their shapes or schedulers differ.",
            "Name the checkpoint that it was made from with --reference.",
        )


def _number(value: float) -> Array:
    return np.array([value], np.float32)


def _at(frame: Frame) -> str:
    return f"t = {frame.timestep}"
