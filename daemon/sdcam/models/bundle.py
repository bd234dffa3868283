"""A bundle: a model converted for one engine and one size, in a folder that explains itself.

    bundle.json            what follows, as JSON (`BundleCard`)
    fused.mlpackage        layout "fused": the whole frame as one program
    encode.mlpackage, unet.mlpackage, decode.mlpackage      layout "staged"
    text_encoder.mlpackage
    time_embedding.safetensors    linear_1 and linear_2 of the UNet, float32
    tokenizer/             tokenizer.json, or vocab.json and merges.txt

The service loads it without guessing, and refuses one that is damaged or from another version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdcam.errors import MissingError

SCHEMA: Final = 1
CARD = "bundle.json"
Layout = Literal["fused", "staged"]

_ANEW = "Delete that folder and convert the model again: sdcam models convert."


class BundleCard(BaseModel):
    """`bundle.json`. Sizes in pixels, tensors as the docstring of `Networks` has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = SCHEMA
    model: str = Field(min_length=1)  # "sdxs-512"
    source: str = ""  # hub id or folder that it was made from
    revision: str = ""  # commit of the hub repository
    licence: str = ""  # of the weights
    width: int = Field(ge=64, multiple_of=64)
    height: int = Field(ge=64, multiple_of=64)
    latent_channels: int = Field(ge=1)
    embed_channels: int = Field(ge=1)  # C of the prompt embedding (1, 77, C)
    time_channels: int = Field(ge=1)  # T of the time embedding (1, T)
    least_prompt_distance: float = Field(0.0, ge=0)  # see `ModelFolder`
    layouts: tuple[Layout, ...] = Field(min_length=1)
    precision: Literal["fp16", "fp32"] = "fp16"
    attention: Literal["sdpa", "split-einsum"] = "sdpa"
    compression: str = ""  # "", "int8", "palette-6", "mixed-4.5", ...
    target: str = "macOS14"
    stateful: bool = False  # the fused program keeps the previous latent itself
    unet_chunks: int = Field(1, ge=1)
    scheduler: dict[str, Any]  # the checkpoint's scheduler_config.json
    flip_sin_to_cos: bool = True
    freq_shift: float = 0.0
    made_with: dict[str, str] = Field(default_factory=dict)  # "coremltools": "9.0", ...
    files: dict[str, str]  # every other file of the bundle: path with "/" to SHA-256


@dataclass(frozen=True)
class Bundle:
    path: Path
    card: BundleCard

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """Reads the card and looks whether every file is there; `verify_files` reads them too.

        Raises:
            MissingError: no bundle, one of another version, or files are missing.
        """
        card_path = path / CARD
        try:
            text = card_path.read_text(encoding="utf-8")
        except OSError as error:
            raise MissingError(
                f"{path} is no converted model ({CARD}: {error.strerror}).",
                "Convert one: sdcam models convert NAME-or-DIR.",
            ) from None
        try:
            card = BundleCard.model_validate_json(text)
        except ValidationError as error:
            raise MissingError(
                f"{card_path} is damaged or from another version of this program "
                f"({_first(error)}).",
                _ANEW,
            ) from None
        bundle = cls(path, card)
        for name in card.files:
            if not (path / name).is_file():
                raise bundle._damaged(f"{name} is missing")
        return bundle

    def program(self, name: str) -> Path:
        """Where a program lies: "fused", "encode", "unet", "decode", "text_encoder"."""
        return self.path / f"{name}.mlpackage"

    def verify_files(self) -> Iterator[str]:
        """Hashes every file, yielding its name before it is read.

        Raises:
            MissingError: a file is not what was written.
        """
        for name, expected in self.card.files.items():
            yield name
            if sha256(self.path / name) != expected:
                raise self._damaged(f"{name} is not what was written")

    def _damaged(self, what: str) -> MissingError:
        return MissingError(
            f"The converted model {self.path} is damaged: {what}.",
            _ANEW,
        )


def sha256(path: Path) -> str:
    """Of a file's bytes, as hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _first(error: ValidationError) -> str:
    mistake = error.errors()[0]
    key = ".".join(str(part) for part in mistake["loc"])
    return f"{key}: {mistake['msg'].lower()}" if key else mistake["msg"].lower()
