"""The model of the configuration: there, complete, and an engine that can run it."""

from __future__ import annotations

import sys

from sdcam.doctor.check import (
    MACOS,
    Finding,
    Group,
    check,
    missing,
    not_here,
    of_error,
    ok,
    warning,
)
from sdcam.doctor.probe import HostProbe
from sdcam.engines.choice import ways_to_run
from sdcam.engines.plan import ModelSpec, kind_of
from sdcam.engines.single_process import automatic_engine
from sdcam.errors import SdcamError
from sdcam.models import ModelFolder, find_model
from sdcam.models.bundle import Bundle, sha256
from sdcam.models.bundles import find_bundle
from sdcam.models.catalogue import Provenance
from sdcam.models.registry import EMBEDDED, bundles_of, bytes_of, in_words

_PACKAGES = {"openvino": "openvino", "torch": "torch"}  # of an engine
_PIP_NAMES = {"torch": '"streamdiffusion-cam[torch]"'}


@check(Group.MODEL, "model")
def model(host: HostProbe) -> Finding:
    """`find_model` reads every configuration and the header of every weights file."""
    wanted = host.settings.model
    try:
        folder = find_model(wanted.name)
    except SdcamError as error:
        if host.platform == MACOS:  # a converted model runs without its checkpoint
            try:
                bundle = find_bundle(wanted.name, wanted.size)
                return ok(f"{bundle.card.model}, converted for Core ML, {bundle.path}")
            except SdcamError:
                pass
        return of_error(error)
    return ok(f"{folder.name}, {in_words(bytes_of(folder.path))}, {folder.path}")


@check(Group.MODEL, "files")
def files(host: HostProbe) -> Finding:
    try:
        folder = find_model(host.settings.model.name)
    except SdcamError:
        return not_here("There is no model.")
    listed = _listed(folder)
    if gone := [name for name in listed if not (folder.path / name).is_file()]:
        return _damaged(folder, f"{', '.join(gone)} of {folder.path} is gone")
    try:
        bundles = [Bundle.open(path) for path in bundles_of(folder)]
        if not host.deep:
            return ok("headers and sizes are right (--deep reads every byte)")
        return _read_all(folder, listed, bundles)
    except SdcamError as error:
        return of_error(error)


def _read_all(folder: ModelFolder, listed: dict[str, str], bundles: list[Bundle]) -> Finding:
    """
    Raises:
        SdcamError: a file of a bundle has changed.
    """
    changed = [name for name, hash_ in listed.items() if sha256(folder.path / name) != hash_]
    if changed:
        return _damaged(folder, f"{', '.join(changed)} of {folder.path} is not what was downloaded")
    for bundle in bundles:
        for _ in bundle.verify_files():
            pass
    checked = len(listed) + sum(len(bundle.card.files) for bundle in bundles)
    if not checked:
        return ok("headers and sizes are right; there are no hashes to compare with")
    return ok(f"{checked} files are unchanged")


def _listed(folder: ModelFolder) -> dict[str, str]:
    provenance = Provenance.read(folder.path)
    return provenance.files if provenance else {}


def _damaged(folder: ModelFolder, what: str) -> Finding:
    return missing(
        f"{what}.", f"sdcam models remove {folder.name}, then: sdcam models pull {folder.name}"
    )


@check(Group.MODEL, "engine")
def engine(host: HostProbe) -> Finding:
    """Chosen as the service chooses it, and installed."""
    try:
        plan = ways_to_run(ModelSpec.of(host.settings))[0]
        kind = kind_of(plan.engine)
        if kind == "coreml":
            from sdcam.engines.coreml.system import find_system

            return ok(f"{plan.label}, coremltools {find_system().coremltools}")
        folder = find_model(host.settings.model.name)
        chosen = automatic_engine(folder) if kind == "auto" else kind
    except SdcamError as error:
        return of_error(error)
    if problem := _why_not(host, chosen, folder):
        return problem
    if kind == "auto" and host.platform == MACOS and folder.name != EMBEDDED:
        return warning(
            f"The model {folder.name} is not converted for Core ML, which is fastest on a Mac.",
            f"sdcam models convert {folder.name} --to coreml --layout all",
        )
    package = _PACKAGES.get(chosen)
    return ok(f"{plan.label}: {package} {host.version(package)}" if package else plan.label)


def _why_not(host: HostProbe, engine: str, folder: ModelFolder) -> Finding | None:
    """Why this engine cannot run the model; None if it can."""
    package = _PACKAGES.get(engine)
    if package and host.version(package) is None:
        pip = f"{sys.executable} -m pip install {_PIP_NAMES.get(package, package)}"
        return missing(f"The engine {engine} is not installed.", pip)
    if engine == "openvino" and not folder.has_graphs:
        return missing(
            f"The model {folder.name} has no graphs for the CPU.",
            f"sdcam models convert {folder.name} --to cpu",
        )
    return None
