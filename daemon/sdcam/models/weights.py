"""A safetensors file: which tensors it holds and where.

Read here and not with `safetensors.safe_open`, which gives no byte offsets (the CPU's graphs refer
to their weights by offset) and reads no BF16 into NumPy.

Format: 8 bytes little-endian length of the header, a JSON header with `dtype`, `shape` and
`data_offsets` (begin and end after the header) of each tensor, then the bytes.
https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdcam.errors import MissingError
from sdcam.models.catalogue import TAKE_ANOTHER

_LONGEST_HEADER = 100_000_000  # bytes; the reference implementation's own limit
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}
_NUMPY = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


class DamagedError(MissingError):
    """A file of weights that is missing, or not what was downloaded."""


@dataclass(frozen=True)
class Tensor:
    dtype: str  # as safetensors writes it: "F16", "BF16", "F32", ...
    shape: tuple[int, ...]
    offset: int  # bytes from the beginning of the file
    length: int  # bytes


@dataclass(frozen=True)
class WeightsFile:
    path: Path
    tensors: dict[str, Tensor]
    layout: str  # hash of the header: equal where every tensor lies at the same place

    @classmethod
    def open(cls, path: Path) -> WeightsFile:
        """
        Raises:
            DamagedError: not there, or not a whole safetensors file.
            MissingError: it may not be read.
        """
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                if length > min(size, _LONGEST_HEADER):
                    raise ValueError("header longer than the file")
                text = file.read(length)
            header = json.loads(text)
            header.pop("__metadata__", None)
            tensors = {name: _tensor(entry, 8 + length, size) for name, entry in header.items()}
        except FileNotFoundError:
            raise DamagedError(
                f"The model has no file {path}.", "Download the model again."
            ) from None
        except OSError as fault:
            raise MissingError(
                f"The weights in {path} cannot be read ({fault.strerror}).",
                "Check the file's permissions.",
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError, struct.error) as fault:
            raise DamagedError(
                f"The weights in {path} are damaged ({fault}).", "Download the model again."
            ) from None
        return cls(path, tensors, hashlib.sha256(text).hexdigest()[:16])

    def read(self, name: str) -> NDArray[np.float32]:
        """A tensor as float32, whatever its type in the file.

        Raises:
            MissingError: no such tensor.
        """
        tensor = self.tensors.get(name)
        if tensor is None:
            raise MissingError(
                f"The weights in {self.path} have no {name}.",
                TAKE_ANOTHER,
            )
        with self.path.open("rb") as file:
            file.seek(tensor.offset)
            data = file.read(tensor.length)
        if tensor.dtype == "BF16":  # the upper half of a float32
            halves = np.frombuffer(data, "<u2").astype(np.uint32) << 16
            return halves.view(np.float32).reshape(tensor.shape)
        flat = np.frombuffer(data, np.dtype(_NUMPY[tensor.dtype]).newbyteorder("<"))
        return flat.astype(np.float32).reshape(tensor.shape)


def _tensor(entry: dict[str, object], start: int, size: int) -> Tensor:
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not (isinstance(dtype, str) and isinstance(shape, list) and isinstance(offsets, list)):
        raise ValueError("header of another form")
    begin, end = offsets
    if not 0 <= begin <= end <= size - start:
        raise ValueError("shorter than its header says")
    if end - begin != math.prod(shape) * _BYTES.get(dtype, 0):
        raise ValueError(f"a tensor of {end - begin} bytes is no {dtype} of shape {shape}")
    return Tensor(dtype, tuple(shape), start + begin, end - begin)
