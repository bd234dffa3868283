"""Converts a model folder to a bundle: a complete one, or none."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sdcam.errors import UsageError
from sdcam.models import ModelFolder
from sdcam.models.bundle import CARD, Bundle, BundleCard, sha256
from sdcam.models.catalogue import Provenance
from sdcam.models.time_embedding import TimeEmbedding
from sdcam.models.weights import WeightsFile
from sdcam_convert.coreml.environment import check_environment
from sdcam_convert.coreml.options import CoreMLOptions
from sdcam_convert.coreml.process import Made, make_program
from sdcam_convert.coreml.workspace import put, workspace

TIME_WEIGHTS = tuple(
    f"time_embedding.{layer}.{part}"
    for layer in ("linear_1", "linear_2")
    for part in ("weight", "bias")
)  # their names in the checkpoint, too

_TOKENIZER = (
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
)


def convert_coreml(
    folder: ModelFolder,
    out: Path,
    options: CoreMLOptions,
    progress: Callable[[str], None] = print,
    origin: Provenance | None = None,
) -> Bundle:
    """Writes a bundle; minutes for a full-size model.

    Args:
        out: the bundle's folder, which must not exist. The bundle is built beside it under another
            name; if the conversion fails, nothing is left.
        progress: gets a line for each program, and a summary.
        origin: where the model came from, for the card; None: its folder.

    Raises:
        UsageError: `out` exists.
        MissingError: packages that a conversion needs are missing, or the model is damaged.
        SdcamError: the disk is full, or a conversion failed.
    """
    versions = check_environment()
    if out.exists():
        raise UsageError(f"{out} is already there.", "Name another --out, or remove it first.")
    TimeEmbedding(folder)  # refuses a UNet that embeds time in another way
    began = time.monotonic_ns()
    with workspace(out, _largest(folder, options)) as bundle:
        made: list[Made] = []
        for name in options.programs:
            progress(f"{name}: converting")
            made.append(make_program(name, folder, options, bundle))
            progress(f"{name}: {made[-1]}")
        _write_time_embedding(folder, bundle / "time_embedding.safetensors")
        _copy_tokenizer(folder.tokenizer, bundle / "tokenizer")
        came = origin or Provenance(source=str(folder.path.absolute()))
        card = _card(folder, options, came, versions, _hashes(bundle))
        (bundle / CARD).write_text(card.to_json(), encoding="utf-8")
        put(bundle, out)
    peak = max(program.peak for program in made) / 1e9
    size = sum(program.size for program in made) / 1e6
    seconds = (time.monotonic_ns() - began) / 1e9
    progress(f"{out}: {seconds:.0f} s, {peak:.1f} GB of memory at most, {size:.1f} MB")
    return Bundle.open(out)


def _largest(model: ModelFolder, options: CoreMLOptions) -> int:
    """Bytes of the weights of the largest program."""
    return max(
        sum(path.stat().st_size for path in _weights(model, name)) for name in options.programs
    )


def _weights(model: ModelFolder, program: str) -> set[Path]:
    """The checkpoint's files that a program is made of."""
    networks = ("encode", "unet", "decode") if program == "fused" else (program,)
    return {model.weights_of(network) for network in networks}


def _write_time_embedding(model: ModelFolder, path: Path) -> None:
    from safetensors.numpy import save

    weights = WeightsFile.open(model.unet_weights)
    path.write_bytes(save({name: weights.read(name) for name in TIME_WEIGHTS}))


def _copy_tokenizer(source: Path, target: Path) -> None:
    target.mkdir()
    for name in _TOKENIZER:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _hashes(bundle: Path) -> dict[str, str]:
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    return {path.relative_to(bundle).as_posix(): sha256(path) for path in files}


def _card(
    model: ModelFolder,
    options: CoreMLOptions,
    origin: Provenance,
    versions: dict[str, str],
    files: dict[str, str],
) -> BundleCard:
    return BundleCard(
        model=model.name,
        source=origin.source,
        revision=origin.revision,
        licence=origin.licence,
        width=options.width,
        height=options.height,
        latent_channels=model.latent_channels,
        embed_channels=model.embed_channels,
        time_channels=TimeEmbedding(model).channels,
        least_prompt_distance=model.least_prompt_distance,
        layouts=options.layouts,
        precision=options.precision,
        attention=options.attention,
        compression=options.compression,
        target=options.target,
        stateful=options.stateful,
        unet_chunks=options.chunks,
        scheduler=model.scheduler,
        flip_sin_to_cos=bool(model.unet.get("flip_sin_to_cos", True)),
        freq_shift=float(model.unet.get("freq_shift", 0)),
        made_with={**versions, "python": sys.version.split()[0]},
        files=files,
    )
