"""Compiled programs, kept from one start to the next.

Core ML runs `.mlmodelc`; coremltools would compile an `.mlpackage` at every load. The compiled form
depends on the package, on macOS and on coremltools, so these make the key:

    CACHE/coreml/KEY/unet.mlmodelc
    CACHE/coreml/KEY/made-from.json      which bundle and program: finds stale entries
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
from sdcam.engines.coreml.binding import Description, Feature
from sdcam.engines.coreml.system import System, kept_standard_output, reason
from sdcam.errors import SdcamError
from sdcam.models.bundle import Bundle

_NOTE = "made-from.json"
# ArrayFeatureType.ArrayDataType
_DTYPES = {65552: "float16", 65568: "float32", 65600: "float64", 131104: "int32"}

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
        """A program as a `CompiledMLModel`. Compiles it if the cache lacks it, or if what is in
        the cache cannot be loaded.

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
            except Exception as fault:  # coremltools has no class of its own for Core ML's errors
                _log.warning(
                    "%s in the cache is damaged (%s): compiling it again", name, reason(fault)
                )
                shutil.rmtree(entry, ignore_errors=True)
        self._compile(name, entry)
        try:
            return self._load(entry, name, units)
        except Exception as fault:
            raise self._unfit(name, "load", fault) from fault

    def describe(self, name: str) -> Description:
        """Inputs and outputs of a program. A compiled program does not tell them; its package does.

        Raises:
            SdcamError: the package cannot be read.
        """
        try:
            package = str(self.bundle.program(name))
            described = self.coremltools.utils.load_spec(package).description
            return Description(
                {each.name: _feature(each.type) for each in described.input},
                {each.name: _feature(each.type) for each in described.output},
            )
        except Exception as fault:  # protobuf's errors have no common base class
            raise SdcamError(
                f"The program {name} of {self.bundle.path} cannot be read ({fault}).",
                f"Convert it again: sdcam models convert {self.bundle.card.model}.",
            ) from fault

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
        """Compiles into a hidden folder, then renames it: an entry is complete or absent."""
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
                f"The compiled program {name} cannot be written to {self.folder} "
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
        """Removes the same program for another macOS, programs of bundles that are gone, and
        folders of processes that were killed while they compiled."""
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


def _feature(kind: Any) -> Feature:
    """Of a `FeatureType`, https://apple.github.io/coremltools/mlmodel/Format/FeatureTypes.html."""
    if kind.WhichOneof("Type") == "imageType":
        image = kind.imageType
        colours = image.ColorSpace.Name(image.colorSpace)
        return colours, (int(image.width), int(image.height))
    array = kind.multiArrayType
    return _DTYPES.get(array.dataType, "unknown"), tuple(int(n) for n in array.shape)


def _put(fresh: Path, entry: Path) -> None:
    try:
        fresh.rename(entry)
    except OSError:
        if not entry.is_dir():  # else another process was first, with the same program
            raise


def _notes(folder: Path) -> Iterator[tuple[Path, str, str]]:
    for note in folder.glob(f"*/{_NOTE}"):
        try:
            made_from = json.loads(note.read_text(encoding="utf-8"))
            yield note.parent, str(made_from["bundle"]), str(made_from["program"])
        except (OSError, ValueError, KeyError, TypeError):
            yield note.parent, "", ""
