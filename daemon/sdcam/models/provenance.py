"""Where a model folder came from: `origin.json`, written when it is pulled."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

ORIGIN = "origin.json"


class Provenance(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    source: str  # hub id, or the folder that it was copied from
    revision: str = ""  # commit of the hub repository
    licence: str = ""
    files: dict[str, str] = Field(default_factory=dict)  # path with "/" to SHA-256

    @classmethod
    def read(cls, folder: Path) -> Provenance | None:
        """None for folders that somebody put there by hand."""
        try:
            return cls.model_validate_json((folder / ORIGIN).read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def write(self, folder: Path) -> None:
        (folder / ORIGIN).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
