"""Where models come from, at which revision, under which licence: of the models that are known by
name, and of a folder that was pulled.

Revisions are commits, so that a download never changes; docs/models.md says where they were looked
up.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

ORIGIN: Final = "origin.json"
TAKE_ANOTHER: Final = "Take a model of the SDXS, SD-Turbo or Tiny-SD family."  # advice
LATEST: Final = "main"  # the revision of a hub id that is not known here
EMBEDDED_LICENCE: Final = "cc0-1.0"  # of the weights of pocket


@dataclass(frozen=True)
class KnownModel:
    name: str
    hub: str  # owner/name on the Hugging Face hub
    revision: str  # a commit
    licence: str  # as the hub's model card names it; a key of `TERMS`
    size: int  # bytes to download; 0: only the hub knows
    about: str
    obstacle: str = ""  # why it cannot be downloaded as it is, and what to do


TERMS: Final = {
    "openrail++": "CreativeML Open RAIL++-M: free to use, for business too, but not for the uses "
    "that its attachment A forbids; whoever passes the weights on passes these terms on.",
    "creativeml-openrail-m": "CreativeML Open RAIL-M: free to use, for business too, but not for "
    "the uses that its attachment A forbids; whoever passes the weights on passes these terms on.",
    "stabilityai-community": "Stability AI Community License: free for research, private use and "
    "businesses of less than one million US dollars a year, which have to register with "
    "Stability AI; others need a licence of theirs.",
    "mit": "MIT: free to use for anything, as long as the notice stays with it.",
    "apache-2.0": "Apache 2.0: free to use for anything, as long as the notices stay with it.",
}

TAESD: Final = KnownModel(
    name="taesd",
    hub="madebyollin/taesd",
    revision="614f76814bbe30edbe2e627ace1c2234c81a2c0e",
    licence="mit",
    size=9_800_000,
    about="the tiny autoencoder that stands in for a large one",
)

CATALOGUE: Final = (
    KnownModel(
        name="sdxs-512",
        hub="IDKiro/sdxs-512-0.9",
        revision="c332f05f60eb4b453de513be52c2a18c48d8cfe6",
        licence="openrail++",
        size=2_685_000_000,
        about="one step, made for speed",
    ),
    KnownModel(
        name="sdxs-512-dreamshaper",
        hub="IDKiro/sdxs-512-dreamshaper",
        revision="76f720262bb051da75666b22c902a78c8e16c763",
        licence="openrail++",
        size=1_763_000_000,
        about="one step, distilled from DreamShaper",
    ),
    KnownModel(
        name="sdxs-512-dreamshaper-anime",
        hub="IDKiro/SDXS-512-DreamShaper-Anime",
        revision="2faf8a65496cf66f3927ec48ae0f2ba7dd943e39",
        licence="openrail++",
        size=0,
        about="a LoRA on the one above, published as a pickle: to be merged by hand",
        obstacle="It is a pickled LoRA: merge it into sdxs-512-dreamshaper as docs/models.md says, "
        "then: sdcam models pull sdxs-512-dreamshaper-anime --from DIR.",
    ),
    KnownModel(
        name="sd-turbo",
        hub="stabilityai/sd-turbo",
        revision="b261bac6fd2cf515557d5d0707481eafa0485ec2",
        licence="stabilityai-community",
        size=2_425_000_000,
        about="one step, 2.6 times the parameters and about twice the time",
    ),
    KnownModel(
        name="tiny-sd",
        hub="segmind/tiny-sd",
        revision="cad0bd7495fa6c4bcca01b19a723dc91627fe84f",
        licence="creativeml-openrail-m",
        size=0,
        about="a smaller Stable Diffusion 1.5, published as pickles: needs --revision refs/pr/1",
        obstacle="It is published as pickles. A member of its owner's organisation has proposed "
        "the same as safetensors: sdcam models pull tiny-sd --revision refs/pr/1.",
    ),
    KnownModel(
        name="small-sd",
        hub="segmind/small-sd",
        revision="f8b087e68071a29bbe85a4b07e6e1e8998d59aa7",
        licence="creativeml-openrail-m",
        size=0,
        about="between the two, published as pickles: needs --revision refs/pr/3",
        obstacle="It is published as pickles. A user of the hub has proposed what should be the "
        "same as safetensors: sdcam models pull small-sd --revision refs/pr/3.",
    ),
)


def known(name: str) -> KnownModel | None:
    """By its name here or on the hub."""
    for model in CATALOGUE:
        if name == model.name or name.lower() == model.hub.lower():
            return model
    return None


@dataclass(frozen=True)
class Provenance:
    """Where a model folder came from: `origin.json`, written when it is pulled."""

    source: str  # hub id, or the folder that it was copied from
    revision: str = ""  # commit of the hub repository
    licence: str = ""
    files: dict[str, str] = field(default_factory=dict)  # path with "/" to SHA-256

    @classmethod
    def read(cls, folder: Path) -> Provenance | None:
        """None for folders that somebody put there by hand, and for damaged files."""
        try:
            known = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
            words = (known["source"], known.get("revision", ""), known.get("licence", ""))
            files = dict(known.get("files", {}))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if not all(isinstance(each, str) for each in (*words, *files, *files.values())):
            return None
        return cls(*words, files)

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / ORIGIN).write_text(text, encoding="utf-8")
