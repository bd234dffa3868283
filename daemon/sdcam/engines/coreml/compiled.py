"""Compiled programs, kept from one start to the next.

Core ML runs `.mlmodelc`; coremltools compiles an `.mlpackage` anew at every load. What is compiled
depends on the package, on macOS and on coremltools, so these make the key:

    CACHE/coreml/KEY/unet.mlmodelc
    CACHE/coreml/KEY/made-from.json      which bundle and program, to find what has become stale
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sdcam import paths
from sdcam.engines.coreml.reason import reason
from sdcam.engines.coreml.standard_output import kept_standard_output
from sdcam.engines.coreml.system import System
from sdcam.errors import SdcamError
from sdcam.models.bundle import Bundle

_NOTE = "made-from.json"

_log = logging.getLogger("sdcam.model")


@dataclass(frozen=True)
class CompiledPrograms:
    """
    Args:
        coremltools: the module.
        folder: of the cache; see `cache_folder`.
    """

    bundle: Bundle
    system: System
    coremltools: Any
    folder: Path

    def load(self, name: str, units: str) -> Any:
        """A program as a `CompiledMLModel`; compiled first if it is not yet, and once more if
        what is in the cache cannot be loaded.

        Args:
            name: "fused", "encode", "unet", "unet_1", "decode", "text_encoder".
            units: of `coremltools.ComputeUnit`.

        Raises:
            SdcamError: Core ML cannot compile or load it, or the cache cannot be written.
        """
        entry = self._entry(name)
        if entry.is_dir():
            try:
                return self._load(entry, name, units)
            except Exception as fault:  # coremltools raises whatever Core ML said
                _log.warning(
                    "%s in the cache is damaged (%s): compiling it anew", name, reason(fault)
                )
                shutil.rmtree(entry, ignore_errors=True)
        self._compile(name, entry)
        try:
            return self._load(entry, name, units)
        except Exception as fault:
            raise self._unfit(name, "load", fault) from fault

    def _entry(self, name: str) -> Path:
        package = f"{name}.mlpackage/"
        hashes = {k: v for k, v in self.bundle.card.files.items() if k.startswith(package)}
        made_from = [hashes, self.system.build, self.system.coremltools]
        text = json.dumps(made_from, sort_keys=True)
        return self.folder / hashlib.sha256(text.encode()).hexdigest()[:24]

    def _load(self, entry: Path, name: str, units: str) -> Any:
        hints = None
        strategy = getattr(self.coremltools, "SpecializationStrategy", None)
        if strategy is not None and self.system.takes_hints:
            hints = {"specializationStrategy": strategy.FastPrediction}
        with kept_standard_output():
            return self.coremltools.models.CompiledMLModel(
                str(entry / f"{name}.mlmodelc"),
                compute_units=self.coremltools.ComputeUnit[units],
                optimization_hints=hints,
            )

    def _compile(self, name: str, entry: Path) -> None:
        """Into a hidden folder, which then is renamed: there is never half an entry."""
        _log.info("compiling %s of %s for Core ML, once", name, self.bundle.path)
        fresh = self.folder / f".{entry.name}.{os.getpid()}"
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            self._compile_into(fresh, name)
            note = {"bundle": str(self.bundle.path.resolve()), "program": name}
            (fresh / _NOTE).write_text(json.dumps(note), encoding="utf-8")
            _put(fresh, entry)
        except OSError as fault:
            raise SdcamError(
                f"The compiled program {name} cannot be kept in {self.folder} "
                f"({fault.strerror or reason(fault)}).",
                "Make room there, or check its permissions.",
            ) from None
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self._remove_stale(name, entry)

    def _compile_into(self, fresh: Path, name: str) -> None:
        try:
            with kept_standard_output():
                self.coremltools.models.utils.compile_model(
                    str(self.bundle.program(name)), str(fresh / f"{name}.mlmodelc")
                )
        except OSError:
            raise
        except Exception as fault:
            raise self._unfit(name, "compile", fault) from fault

    def _remove_stale(self, name: str, entry: Path) -> None:
        """The same program for another macOS, what was compiled of a bundle that is no longer
        there, and what processes left that were killed while they compiled."""
        ours = str(self.bundle.path.resolve())
        for other, bundle, program in _notes(self.folder):
            gone = not (bundle and Path(bundle).is_dir())
            if other != entry and (gone or (bundle, program) == (ours, name)):
                shutil.rmtree(other, ignore_errors=True)
        for left in self.folder.glob(".*.*"):
            process = left.name.rpartition(".")[2]
            if process.isdigit() and not psutil.pid_exists(int(process)):
                shutil.rmtree(left, ignore_errors=True)

    def _unfit(self, name: str, what: str, fault: Exception) -> SdcamError:
        return SdcamError(
            f"Core ML cannot {what} the program {name} of {self.bundle.path} ({reason(fault)}).",
            f"Check it with: sdcam models verify {self.bundle.path}; "
            f"or convert it again: sdcam models convert {self.bundle.card.model}.",
        )


def cache_folder() -> Path:
    return paths.cache_folder() / "coreml"


def _put(fresh: Path, entry: Path) -> None:
    try:
        fresh.rename(entry)
    except OSError:
        if not entry.is_dir():  # else another process was first, with the same
            raise


def _notes(folder: Path) -> Iterator[tuple[Path, str, str]]:
    for note in folder.glob(f"*/{_NOTE}"):
        try:
            made_from = json.loads(note.read_text(encoding="utf-8"))
            yield note.parent, str(made_from["bundle"]), str(made_from["program"])
        except (OSError, ValueError, KeyError, TypeError):
            yield note.parent, "", ""
