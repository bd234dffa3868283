"""Room on the disk, where the program writes."""

from __future__ import annotations

from pathlib import Path

from sdcam.doctor.check import Check, Finding, Group, ok, trouble, warning
from sdcam.doctor.world import World
from sdcam.models.registry import in_words, models_folder
from sdcam.paths import cache_folder, log_file

_GB = 10**9
_FULL = 50 * 10**6  # a log cannot be rotated any more


def _room(world: World, folder: Path, wanted: int, what_for: str) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = world.free_bytes(there)
    if free < _FULL:
        return trouble(f"The disk of {there} is full ({in_words(free)} free).", _clear(world))
    if free < wanted:
        return warning(
            f"{in_words(free)} free in {there}; {what_for} takes {in_words(wanted)}.", _clear(world)
        )
    return ok(f"{in_words(free)} free in {there}")


def _clear(world: World) -> str:
    return "sdcam models list shows what models take; sdcam models remove NAME deletes one"


CHECKS = (
    Check(
        Group.DISK,
        "models",
        lambda world: _room(world, models_folder(), 3 * _GB, "the largest model"),
    ),
    Check(
        Group.DISK,
        "cache",
        lambda world: _room(world, cache_folder(), 2 * _GB, "a compiled model"),
    ),
    Check(
        Group.DISK,
        "log",
        lambda world: _room(
            world,
            log_file(world.settings.service.log_file).parent,
            world.settings.service.log_bytes * (world.settings.service.log_count + 1),
            "the log",
        ),
    ),
)
