"""A saved `.mlpackage`, read with coremltools; everything that is used of it comes from here."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sdcam.errors import MissingError

# What it says when it is imported is of other frameworks and of the Mac's libraries, and it sets
# its logger's level itself.
_log = logging.getLogger("coremltools")
_log.disabled = True

import coremltools  # noqa: E402
from coremltools.converters.mil.frontend.milproto.load import load  # noqa: E402
from coremltools.converters.mil.mil import types  # noqa: E402
from coremltools.proto.FeatureTypes_pb2 import ArrayFeatureType, ImageFeatureType  # noqa: E402

_log.disabled = False

__all__ = ["ArrayFeatureType", "ImageFeatureType", "read_description", "read_program", "types"]


def read_description(path: Path) -> Any:
    """The package's protobuf `Model`, without its weights.

    Raises:
        MissingError: not there, damaged, or no ML Program.
    """
    try:
        spec = coremltools.utils.load_spec(str(path))
        kind = spec.WhichOneof("Type")
    except Exception as fault:  # the reader raises whatever its parts raise
        raise _unreadable(path, fault) from fault
    if kind != "mlProgram":
        raise _unreadable(path, f"it is of the kind {kind}")
    return spec


def read_program(path: Path) -> tuple[Any, Any]:
    """The description, and the program with its weights as coremltools' MIL objects.

    Raises:
        MissingError: not there, damaged, or no ML Program.
    """
    spec = read_description(path)
    weights = path / "Data" / "com.apple.CoreML" / "weights"  # as coremltools writes it
    try:
        return spec, load(spec, spec.specificationVersion, str(weights))
    except Exception as fault:
        raise _unreadable(path, fault) from fault


def _unreadable(path: Path, fault: object) -> MissingError:
    reason = (str(fault).strip().splitlines() or ["damaged"])[0]
    return MissingError(
        f"{path} is no Core ML program that can be read ({reason}).",
        "Convert the model again: sdcam models convert NAME-or-DIR.",
    )
