"""Imports point down only, and the service never imports what it must not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sdcam

ROOT = Path(sdcam.__file__).parent
FLOORS = [
    {"errors", "resources", "paths"},
    {"settings"},
    {"pipeline", "models"},
    {"engines", "capture", "output", "compositor"},
    {"workers"},
    {"control", "service"},
    {"cli"},
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT)


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "sdcam":
            found |= {f"sdcam.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
    return found


def test_every_room_has_a_floor():
    rooms = {p.name for p in ROOT.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert rooms <= set(FLOOR)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    room = path.relative_to(ROOT).parts[0]
    for name in _imports(path):
        package, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if package == "sdcam" and other in FLOOR:
            assert FLOOR[other] <= FLOOR[room], f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_converters_and_heavy_libraries_stay_outside(path):
    torch_engine = path.parent.name == "engines"  # loaded only when it is asked for
    for name in _imports(path):
        assert not name.startswith("sdcam_convert"), name
        assert torch_engine or not name.startswith(("torch", "diffusers", "transformers")), name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
