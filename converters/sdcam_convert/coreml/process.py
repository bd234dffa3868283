"""Converts programs one at a time, those of a large model each in a process of its own.

coremltools holds a model three or four times while it converts, and Python returns little of that
memory: in one process the peaks of five programs would add up.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from sdcam.errors import SdcamError
from sdcam.models import ModelFolder
from sdcam.models.folder import NETWORKS
from sdcam_convert.coreml.options import CoreMLOptions

_LARGE = 64e6  # bytes of weights; a process of its own takes seconds to import torch
_EXIT_SECONDS = 30  # for a process that has answered to exit


@dataclass(frozen=True)
class Made:
    """One program, converted."""

    packages: tuple[str, ...]
    seconds: float
    peak: int  # bytes of memory that its process had at most
    size: int  # bytes on disk

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s, {self.peak / 1e9:.1f} GB of memory, {self.size / 1e6:.1f} MB"


def make_program(name: str, model: ModelFolder, options: CoreMLOptions, folder: Path) -> Made:
    """
    Args:
        name: one of `CoreMLOptions.programs`.
        folder: gets the package.

    Raises:
        SdcamError: the conversion failed.
        OSError: it could not be written.
    """
    if any(model.weights_of(network).stat().st_size >= _LARGE for network in NETWORKS):
        return _make_apart(name, model, options, folder)
    return _make(name, model, options, folder)


def _make(name: str, model: ModelFolder, options: CoreMLOptions, folder: Path) -> Made:
    began = time.monotonic_ns()
    from sdcam_convert.coreml.package import write_packages

    try:
        packages = write_packages(name, model, options, folder)
    except (SdcamError, OSError):
        raise
    except Exception as fault:  # coremltools and torch raise anything
        raise SdcamError(
            f"The program {name} of {model.path} could not be converted "
            f"({type(fault).__name__}: {_first_line(fault)}).",
            "Nothing was kept. Is it a model of the SDXS, SD-Turbo or Tiny-SD family?",
        ) from fault
    return Made(
        packages=tuple(package.name for package in packages),
        seconds=(time.monotonic_ns() - began) / 1e9,
        peak=_peak(),
        size=sum(f.stat().st_size for p in packages for f in p.rglob("*") if f.is_file()),
    )


def _make_apart(name: str, model: ModelFolder, options: CoreMLOptions, folder: Path) -> Made:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as temporary:  # it may leave as much as the program
        process = spawn.Process(
            target=_child, args=(theirs, temporary, name, model, options, folder)
        )
        process.start()
        theirs.close()
        try:
            result = ours.recv()
            process.join(_EXIT_SECONDS)
        except EOFError:
            process.join()
            raise SdcamError(
                f"The conversion of {name} ended at once (exit code {process.exitcode}).",
                "Nothing was kept. The usual cause is too little memory: close other programs.",
            ) from None
        finally:
            process.kill()  # we were interrupted, or it hangs
            process.join()
            ours.close()
    if isinstance(result, Exception):
        raise result
    made: Made = result
    return made


def _child(
    answer: Connection,
    temporary: str,
    name: str,
    model: ModelFolder,
    options: CoreMLOptions,
    folder: Path,
) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent gets them too, and ends this process
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    tempfile.tempdir = temporary
    try:
        answer.send(_make(name, model, options, folder))
    except (SdcamError, OSError) as fault:
        answer.send(fault)


def _end_with_the_parent() -> None:
    """However the parent ends: nobody would remove what this process goes on to write."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _first_line(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or ["no message"])[0]
