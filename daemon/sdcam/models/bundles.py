"""Which of a model's bundles the service loads."""

from __future__ import annotations

from pathlib import Path

from sdcam.errors import MissingError
from sdcam.models.bundle import CARD, Bundle, Layout
from sdcam.models.folder import USUAL_SIZE
from sdcam.models.registry import (
    BUNDLES,
    automatic,
    bundles_in,
    find_model,
    is_hub_id,
    is_path,
    local_name,
)
from sdcam.models.registry import models_folder as _models_folder
from sdcam.resources import embedded_model

Size = tuple[int, int]


def find_bundle(name: str, size: Size | None, layout: Layout | None = None) -> Bundle:
    """
    Args:
        name: a model's name, as `find_model` takes it, or the folder of a bundle. The model's
            checkpoint need not be there: a bundle holds everything that it takes to run.
        size: (width, height) in pixels; None: 512x512 if there is such a bundle, else the newest.
        layout: that the bundle must have; None: any.

    Returns:
        If several fit, the one with the fewest changes: uncompressed before compressed, fp16 before
        fp32, both layouts before one.

    Raises:
        MissingError: no such model, or none of its bundles fits; says how to make one.
    """
    path = Path(name).expanduser()
    if (path / CARD).is_file():
        bundle = Bundle.open(path)
        _refuse_unfit(bundle, size, layout)
        return bundle
    bundles, faults = _opened(_folder_of(name))
    fit = [each for each in bundles if _fits(each, size, layout)]
    if fit:
        return min(fit, key=_preference) if size else _usual_or_newest(fit)
    if faults:
        raise faults[0]
    if not bundles:
        find_model(name)  # has better advice than to convert a model that is not here
    raise MissingError(
        f'The model "{name}" is not converted for Core ML{_with(size, layout)}.',
        f"Run: {_command(name, size)}",
    )


def _folder_of(name: str) -> Path:
    """Where a model's bundles lie, whether or not its checkpoint is beside them."""
    if name == "auto":
        name = automatic()
    if is_hub_id(name):
        name = local_name(name)
    elif is_path(name):
        folder = Path(name).expanduser()
        if folder.resolve() != embedded_model().resolve():
            return folder / BUNDLES
        name = folder.name
    return _models_folder() / name / BUNDLES


def _opened(folder: Path) -> tuple[list[Bundle], list[MissingError]]:
    """The bundles in a folder, and why others cannot be opened."""
    bundles, faults = [], []
    for path in bundles_in(folder):
        try:
            bundles.append(Bundle.open(path))
        except MissingError as fault:
            faults.append(fault)
    return bundles, faults


def _fits(bundle: Bundle, size: Size | None, layout: Layout | None) -> bool:
    card = bundle.card
    return (
        not card.stateful
        and size in (None, (card.width, card.height))
        and (layout is None or layout in card.layouts)
    )


def _usual_or_newest(bundles: list[Bundle]) -> Bundle:
    usual = [each for each in bundles if (each.card.width, each.card.height) == USUAL_SIZE]
    if usual:
        return min(usual, key=_preference)
    newest = max(bundles, key=lambda each: ((each.path / CARD).stat().st_mtime_ns, each.path.name))
    size = newest.card.width, newest.card.height
    same = [each for each in bundles if (each.card.width, each.card.height) == size]
    return min(same, key=_preference)


def _preference(bundle: Bundle) -> tuple[bool, bool, bool, int, int, str]:
    card = bundle.card
    return (
        card.compression != "",
        card.precision != "fp16",
        card.attention != "sdpa",
        card.unet_chunks,
        -len(card.layouts),
        bundle.path.name,
    )


def _refuse_unfit(bundle: Bundle, size: Size | None, layout: Layout | None) -> None:
    card = bundle.card
    if card.stateful:
        raise MissingError(
            f"The bundle {bundle.path} keeps the previous latent itself (--stateful), which the "
            "service cannot reset after a gap.",
            f"Run: {_command(card.model, (card.width, card.height))}",
        )
    if not _fits(bundle, size, layout):
        raise MissingError(
            f"The bundle {bundle.path} is made for {card.width}x{card.height} pixels, layout "
            f"{' and '.join(card.layouts)}; you asked for one{_with(size, layout)}.",
            f"Run: {_command(card.model, size or (card.width, card.height))}",
        )


def _with(size: Size | None, layout: Layout | None) -> str:
    at = f" at {size[0]}x{size[1]}" if size else ""
    return at + (f" in the layout {layout}" if layout else "")


def _command(name: str, size: Size | None) -> str:
    width, height = size or USUAL_SIZE
    return f"sdcam models convert {name} --to coreml --layout all --size {width}x{height}"
