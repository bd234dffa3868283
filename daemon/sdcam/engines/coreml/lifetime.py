"""Arrays that outlive everything: Core ML may let go of an input long after `predict`.

About a second after the last call it drops its references on a queue of its own, without Python's
lock (https://github.com/apple/coremltools/pull/2827, #2829, open). If that was the last one, the
process crashes; and a count that two threads change at once can come out one too low. So there are
spare references, which nothing ever gives back: not `close`, not the end of the interpreter.
"""

from __future__ import annotations

import ctypes
from typing import Any, TypeVar

from numpy.typing import NDArray

Array = TypeVar("Array", bound=NDArray[Any])

_SPARE = 1_000


def kept_for_life(array: Array) -> Array:
    """The same array, never to be freed. For a fixed number of them, made once."""
    for _ in range(_SPARE):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(array))
    return array
