"""Compiled graphs of the CPU engine, kept from one start to the next. Loading one takes a third of
the time of compiling it.

    CACHE/openvino/KEY.blob     the SHA-256 of what follows, then what OpenVINO exported

KEY is a hash of all that the compiled form depends on: the bytes of graph and weights, the shapes,
the options, the build of OpenVINO, the processor. So no entry is ever stale. The entries that were
not used for longest are removed when all of them take more than 200 MB.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sdcam import paths
from sdcam.models.bundle import sha256

# The embedded model's four graphs take 20 MB. Large models would take as much disk as they have
# weights.
_LARGEST_WEIGHTS: Final = 100_000_000  # bytes
_MOST_KEPT: Final = 200_000_000  # bytes
_DIGEST: Final = 32  # bytes

_log = logging.getLogger("sdcam.model")


class CompiledGraphs:
    """
    Args:
        core: `openvino.Core()`.
        version: of OpenVINO, with its build.
        options: for the compilation.
    """

    def __init__(self, core: Any, version: str, options: Mapping[str, object]) -> None:
        self._core = core
        self._options = dict(options)
        self._folder = paths.cache_folder() / "openvino"
        processor = core.get_property("CPU", "FULL_DEVICE_NAME")
        abilities = sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        self._can_export = "EXPORT_IMPORT" in abilities
        self._machine = [version, processor, abilities]

    def load(
        self,
        graph: Path,
        weights: Path,
        shapes: Mapping[str, list[int]],
        compile_graph: Callable[[], Any],
    ) -> Any:
        """A compiled model, from the cache or from `compile_graph`, which is then kept.

        Raises:
            Whatever `compile_graph` raises.
        """
        if weights.stat().st_size > _LARGEST_WEIGHTS or not self._can_export:
            return compile_graph()
        made_of = [sha256(graph), sha256(weights), shapes, self._options, self._machine]
        key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]
        path = self._folder / f"{key}.blob"
        if (blob := _read(path)) is not None:
            try:
                return self._core.import_model(io.BytesIO(blob), "CPU", self._options)
            except RuntimeError as fault:
                _log.info("%s cannot be loaded: %s", path, fault)
        compiled = compile_graph()
        exported = io.BytesIO()
        compiled.export_model(exported)
        self._keep(path, exported.getvalue())
        return compiled

    def _keep(self, path: Path, blob: bytes) -> None:
        """If the folder is not writable or the disk is full, the next start compiles again."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # No fsync, which takes longer than compiling: the digest tells a torn file.
            new = path.with_name(f".{os.getpid()}.{path.name}")
            new.write_bytes(hashlib.sha256(blob).digest() + blob)
            new.replace(path)
            self._remove_oldest()
        except OSError as fault:
            _log.info("compiled graphs are not kept: %s", fault)

    def _remove_oldest(self) -> None:
        entries = [(each, each.stat()) for each in self._folder.glob("*.blob")]
        total = sum(stat.st_size for _, stat in entries)
        for path, stat in sorted(entries, key=lambda entry: entry[1].st_mtime_ns):
            if total <= _MOST_KEPT:
                break
            path.unlink(missing_ok=True)
            total -= stat.st_size


def _read(path: Path) -> bytes | None:
    """None if it is not there or damaged: OpenVINO may crash on what it did not export."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, blob = content[:_DIGEST], content[_DIGEST:]
    if hashlib.sha256(blob).digest() != digest:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used last
    return blob
