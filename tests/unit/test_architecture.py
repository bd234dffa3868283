"""Imports point down only, and the service never imports what it must not."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import sdcam

ROOT = Path(sdcam.__file__).parent
FLOORS = [
    {"errors", "resources", "paths", "atomic_file", "arrays", "plain_text", "plain_toml"},
    {"platforms"},
    {"settings"},
    {"pipeline", "models"},
    {"engines", "capture", "output", "compositor"},
    {"workers"},
    {"control", "install", "obs"},
    {"doctor", "service"},
    {"cli"},
]
# Rooms of one floor that must not know each other: the doctor asks a running service by `control`,
# and the service examines nothing.
APART = [("doctor", "service")]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT)


def _name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name_of(path) for path in ROOT.rglob("*.py")}


def _imports(path: Path, types: bool = True) -> set[str]:
    """
    Args:
        types: with those that only the type checker sees.
    """
    nodes = set(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    if not types:
        ifs = [node for node in nodes if isinstance(node, ast.If)]
        unseen = [each.body for each in ifs if ast.unparse(each.test) == "TYPE_CHECKING"]
        nodes -= {node for body in unseen for node in body}
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            whole = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES
            found |= whole or {str(node.module)}
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


def test_no_file_needs_itself_by_a_detour():
    """Not even by an import that waits inside of a function."""
    needs = {_name_of(path): _imports(path, types=False) & MODULES for path in FILES}
    assert any("sdcam.settings" in names for names in needs.values())
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, which names it


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_converters_and_heavy_libraries_stay_outside(path):
    torch_engine = path.parent.name == "engines"  # loaded only when it is asked for
    for name in _imports(path):
        assert not name.startswith("sdcam_convert"), name
        assert torch_engine or not name.startswith(("torch", "diffusers", "transformers")), name


@pytest.mark.parametrize(("one", "other"), [*APART, *(pair[::-1] for pair in APART)])
def test_rooms_that_are_apart_do_not_import_each_other(one, other):
    files = list((ROOT / one).rglob("*.py"))
    assert files, one
    for path in files:
        for name in _imports(path):
            assert not f"{name}.".startswith(f"sdcam.{other}."), f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("room", ["output", "output.viewers", "capture", "capture.camera"])
def test_processes_that_own_a_device_need_no_pydantic(room):
    """They take long enough to start without it."""
    code = f"import sys, sdcam.{room}; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
