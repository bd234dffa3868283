"""The model that the configuration names: there, and whole."""

from __future__ import annotations

from collections.abc import Iterator

from sdcam.doctor.check import (
    MACOS,
    Check,
    Finding,
    Group,
    missing,
    not_here,
    of_error,
    ok,
)
from sdcam.doctor.world import World
from sdcam.errors import SdcamError
from sdcam.models import ModelFolder, find_model
from sdcam.models.bundle import Bundle, sha256
from sdcam.models.catalogue import Provenance
from sdcam.models.registry import bundles_of, bytes_of, in_words


def _there(world: World) -> Finding:
    """`find_model` reads every configuration and the header of every weights file."""
    try:
        model = find_model(world.settings.model.name)
    except SdcamError as error:
        return _bundle_alone(world) or of_error(error)
    return ok(f"{model.name}, {in_words(bytes_of(model.path))}, {model.path}")


def _bundle_alone(world: World) -> Finding | None:
    """On a Mac a converted model needs its checkpoint no more."""
    if world.platform != MACOS:
        return None
    from sdcam.models.bundles import find_bundle

    try:
        bundle = find_bundle(world.settings.model.name, world.settings.model.size)
    except SdcamError:
        return None
    return ok(f"{bundle.card.model}, converted for Core ML, {bundle.path}")


def _whole(world: World) -> Finding:
    try:
        model = find_model(world.settings.model.name)
    except SdcamError:
        return not_here("There is no model to look at.")
    gone = [name for name in _listed(model) if not (model.path / name).is_file()]
    if gone:
        return _damaged(model, f"{', '.join(gone)} of {model.path} is gone")
    bundles, broken = [], []
    for path in bundles_of(model):
        try:
            bundles.append(Bundle.open(path))
        except SdcamError as error:
            broken.append(error)
    if broken:
        return of_error(broken[0])
    if not world.deep:
        return ok("headers and sizes are right (--deep reads every byte)")
    return _read_all(model, bundles)


def _listed(model: ModelFolder) -> dict[str, str]:
    origin = Provenance.read(model.path)
    return origin.files if origin else {}


def _read_all(model: ModelFolder, bundles: list[Bundle]) -> Finding:
    wrong = list(_changed(model))
    if wrong:
        return _damaged(model, f"{', '.join(wrong)} of {model.path} is not what was downloaded")
    for bundle in bundles:
        try:
            for _ in bundle.verify_files():
                pass
        except SdcamError as error:
            return of_error(error)
    checked = len(_listed(model)) + sum(len(bundle.card.files) for bundle in bundles)
    if not checked:
        return ok("headers and sizes are right; there are no hashes to compare with")
    return ok(f"{checked} files are what they were")


def _changed(model: ModelFolder) -> Iterator[str]:
    for name, expected in _listed(model).items():
        if sha256(model.path / name) != expected:
            yield name


def _damaged(model: ModelFolder, what: str) -> Finding:
    return missing(
        f"{what}.", f"sdcam models remove {model.name}, then: sdcam models pull {model.name}"
    )


CHECKS = (
    Check(Group.MODEL, "model", _there),
    Check(Group.MODEL, "files", _whole),
)
