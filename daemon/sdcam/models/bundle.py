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
import json
from collections.abc import Callable, Iterator
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from sdcam.errors import MissingError

SCHEMA: Final = 1
CARD = "bundle.json"
Layout = Literal["fused", "staged"]

_AGAIN = "Delete that folder and convert the model again: sdcam models convert."


@dataclass(frozen=True)
class BundleCard:
    """`bundle.json`. Sizes in pixels, tensors as the docstring of `Networks` has them. A plain
    dataclass: every process of a model reads it, and importing pydantic takes 0.2 s.

    Raises:
        ValueError: a value that cannot be; begins with its key.
    """

    model: str  # "sdxs-512"
    width: int
    height: int
    latent_channels: int
    embed_channels: int  # C of the prompt embedding (1, 77, C)
    time_channels: int  # T of the time embedding (1, T)
    layouts: tuple[Layout, ...]
    scheduler: dict[str, Any]  # the checkpoint's scheduler_config.json
    files: dict[str, str]  # every other file of the bundle: path with "/" to SHA-256
    schema_version: int = SCHEMA
    source: str = ""  # hub id or folder that it was made from
    revision: str = ""  # commit of the hub repository
    licence: str = ""  # of the weights
    least_prompt_distance: float = 0.0  # see `ModelFolder`
    precision: Literal["fp16", "fp32"] = "fp16"
    attention: Literal["sdpa", "split-einsum"] = "sdpa"
    compression: str = ""  # "", "int8", "palette-6", "mixed-4.5", ...
    target: str = "macOS14"
    stateful: bool = False  # the fused program keeps the previous latent itself
    unet_chunks: int = 1
    flip_sin_to_cos: bool = True
    freq_shift: float = 0.0
    made_with: dict[str, str] = field(default_factory=dict)  # "coremltools": "9.0", ...

    @classmethod
    def from_json(cls, text: str) -> BundleCard:
        """As the constructor; unknown and missing keys are errors too."""
        known = json.loads(text)
        if not isinstance(known, dict):
            raise ValueError("not a JSON object")
        for key in known.keys() - {each.name for each in fields(cls)}:
            raise ValueError(f"{key}: unknown key")
        for each in fields(cls):
            if each.name not in known and each.default is each.default_factory is MISSING:
                raise ValueError(f"{each.name}: missing")
        if isinstance(known["layouts"], list):
            known["layouts"] = tuple(known["layouts"])
        return cls(**known)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    def __post_init__(self) -> None:
        for each in fields(self):
            value, kind = getattr(self, each.name), str(each.type).partition("[")[0]
            good = isinstance(value, _TYPES[kind]) and (kind == "bool") == isinstance(value, bool)
            if each.name in _ALLOWED:
                good = good and _ALLOWED[each.name](value)
            if not good:
                raise ValueError(f"{each.name}: {value!r} is not possible")


_TYPES: Final[dict[str, Any]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "tuple": tuple,
    "dict": dict,
    "Literal": str,
}


def _is_size(value: int) -> bool:
    return value >= 64 and value % 64 == 0


_ALLOWED: Final[dict[str, Callable[[Any], bool]]] = {
    "schema_version": lambda value: bool(value == SCHEMA),
    "model": bool,
    "width": _is_size,
    "height": _is_size,
    "layouts": lambda value: bool(value) and set(value) <= set(get_args(Layout)),
    "precision": lambda value: value in ("fp16", "fp32"),
    "attention": lambda value: value in ("sdpa", "split-einsum"),
    "least_prompt_distance": lambda value: bool(value >= 0),
    **dict.fromkeys(
        ("latent_channels", "embed_channels", "time_channels", "unet_chunks"),
        lambda value: bool(value >= 1),
    ),
}


@dataclass(frozen=True)
class Bundle:
    path: Path
    card: BundleCard

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """Reads the card and checks that every file exists; `verify_files` reads them too.

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
            card = BundleCard.from_json(text)
        except ValueError as error:
            raise MissingError(
                f"{card_path} is damaged or from another version of this program ({error}).",
                _AGAIN,
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
            _AGAIN,
        )


def sha256(path: Path) -> str:
    """Of a file's bytes, as hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
