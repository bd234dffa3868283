"""How long the programs of a frame take on a Mac that is not here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import tomlkit

_FILE = Path(__file__).with_name("profiles.toml")


@dataclass(frozen=True)
class Profile:
    """Times are milliseconds a call."""

    name: str
    about: str  # "Apple M3 Ultra, 60-core GPU, SDXS-512"
    encode: float
    unet: float
    decode: float
    estimate: bool  # else it was measured, by whom `source` says
    source: str
    latent_channels: int  # of the model that was timed
    embed_channels: int

    @property
    def fused(self) -> float:
        return self.encode + self.unet + self.decode

    def milliseconds(self, program: str) -> float:
        """Of a call; nothing is published for text encoders, which run once a prompt."""
        times = {
            "encode": self.encode,
            "unet": self.unet,
            "decode": self.decode,
            "fused": self.fused,
        }
        return times.get(program, 0.0)


@lru_cache(maxsize=1)
def profiles() -> dict[str, Profile]:
    """By name, in the order of the file."""
    tables = tomlkit.parse(_FILE.read_text(encoding="utf-8")).unwrap()
    return {name: Profile(name=name, **values) for name, values in tables.items()}
