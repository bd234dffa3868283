"""coremltools as it is on a Mac, as far as the engine meets it: what it refuses, what it silently
makes slow, what it does to the process. Every broken rule is noted in `violations`.

Read in the source of coremltools (`coremlpython/CoreMLPython.mm`, `CoreMLPythonUtils.mm`,
`CoreMLPythonArray.mm`, `models/_compiled_model.py`); never seen on a Mac.
"""

from __future__ import annotations

import enum
import os
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

Predict = Callable[[str, dict[str, Any]], dict[str, Any]]


class ComputeUnit(enum.Enum):
    ALL = 1
    CPU_AND_GPU = 2
    CPU_ONLY = 3
    CPU_AND_NE = 4


class SpecializationStrategy(enum.Enum):
    Default = 1
    FastPrediction = 2


class FakeCoreML:
    """
    Args:
        host: name of a program to its inputs, (width, height) of a picture or shape of an array.
        predict: (program, inputs) to outputs; pictures as uint8 (H, W, 3).
        macos: of the machine.
    """

    def __init__(
        self,
        host: dict[str, dict[str, tuple[int, ...]]],
        predict: Predict,
        macos: tuple[int, ...] = (15, 1),
    ) -> None:
        self.host = host
        self.predict = predict
        self.macos = macos
        self.violations: list[str] = []
        self.compiled: list[str] = []  # names, in the order in which they were compiled
        self.loaded: list[tuple[str, str, dict[str, Any] | None]] = []  # name, units, hints
        self.calls: dict[str, int] = {}
        self.during_compile: Callable[[], None] = lambda: None
        self.corrupt: set[str] = set()  # programs that no compiler can make loadable
        self._given: list[dict[str, list[weakref.ref[Any]]]] = []  # for each loaded program

    def module(self) -> ModuleType:
        module: Any = ModuleType("coremltools")
        module.__version__ = "9.0"
        module.ComputeUnit = ComputeUnit
        module.SpecializationStrategy = SpecializationStrategy
        module.utils = SimpleNamespace(load_spec=self._load_spec)
        module.models = SimpleNamespace(
            CompiledMLModel=self._load,
            MLModel=self._load_package,
            utils=SimpleNamespace(compile_model=self._compile),
        )
        return module

    def check_lifetimes(self) -> None:
        """At the end of the process: Core ML lets go of its inputs only now."""
        for name, references in (item for given in self._given for item in given.items()):
            if any(reference() is None for reference in references):
                self._broken(f"{name}: Core ML is the last owner of an input (#2827)")
            elif len(references) > 1:
                self._broken(f"{name}: another array at each call")

    def _compile(self, model: str, destination_path: str) -> str:
        self._chatter("compiling")
        self.during_compile()
        if not model.endswith(".mlpackage") or not Path(model).is_dir():
            raise ValueError(f"Invalid model file path: '{model}'.")
        if not destination_path.endswith(".mlmodelc"):
            raise Exception('"destination_path" parameter must have ".mlmodelc" file extension.')
        name = Path(model).stem
        self.compiled.append(name)
        made = Path(f"{destination_path}.temporary")  # Core ML compiles elsewhere
        made.mkdir()
        (made / "model.mil").write_text("" if name in self.corrupt else name)
        shutil.move(made, destination_path)
        return destination_path

    def _load(
        self,
        path: str,
        compute_units: ComputeUnit = ComputeUnit.ALL,
        function_name: str | None = None,
        optimization_hints: dict[str, Any] | None = None,
    ) -> Any:
        self._chatter("loading")
        if not isinstance(path, str) or not isinstance(compute_units, ComputeUnit):
            raise TypeError("wrong type of parameter")
        if optimization_hints and self.macos < (15,):
            raise ValueError("Optimization hints are only available on macOS >= 15.0")
        if not path.endswith(".mlmodelc"):
            return self._load_package(path, compute_units)
        file = Path(path) / "model.mil"
        name = file.read_text() if file.is_file() else ""
        if not name:
            raise _error("Unable to load model")
        self.loaded.append((name, compute_units.name, optimization_hints))
        return self._loaded(name)

    def _loaded(self, name: str) -> Any:
        given: dict[str, list[weakref.ref[Any]]] = {}
        self._given.append(given)
        return SimpleNamespace(predict=lambda data, state=None: self._predict(name, data, given))

    def _load_package(self, path: str, compute_units: Any = None, **_: Any) -> Any:
        """Compiles at every load, with the process's standard output on /dev/null meanwhile."""
        self._broken(f"{Path(path).name}: a package is compiled at every load")
        kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        self.during_compile()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)
        return self._loaded(Path(path).stem)

    def _load_spec(self, path: str) -> Any:
        name = Path(path).stem
        given = self.predict(name, {})
        return SimpleNamespace(
            description=SimpleNamespace(
                input=[_described(each, shape) for each, shape in self.host[name].items()],
                output=[_described(each, array.shape) for each, array in given.items()],
            )
        )

    def _predict(
        self, name: str, data: dict[str, Any], given: dict[str, list[weakref.ref[Any]]]
    ) -> dict[str, Any]:
        self.calls[name] = self.calls.get(name, 0) + 1
        if type(data) is not dict:
            raise TypeError('"data" parameter must be either a dict or list of dict')
        host = self.host[name]
        for wrong in sorted(set(host) ^ set(data)):
            self._broken(f"{name}: {wrong} is missing or unknown")
            raise _error(f"Feature {wrong} is missing or unknown.")
        inputs = {key: self._accepted(name, key, data[key], host[key]) for key in host}
        for key, value in data.items():
            known = given.setdefault(f"{name}: {key}", [])
            if isinstance(value, np.ndarray) and not any(each() is value for each in known):
                known.append(weakref.ref(value))
        return {key: _returned(value) for key, value in self.predict(name, inputs).items()}

    def _accepted(self, name: str, key: str, value: Any, border: tuple[int, ...]) -> Any:
        where = f"{name}: {key}"
        if len(border) == 2 and key == "image":
            if not isinstance(value, Image.Image):
                raise self._refused(where, "is no PIL image", value)
            if value.mode != "RGB" or value.size != border:
                raise self._refused(where, f"is {value.mode} of {value.size}", value)
            return np.asarray(value).copy()
        if not isinstance(value, np.ndarray):
            raise self._refused(where, "is no array", value)
        if value.dtype == np.float16:
            self._broken(f"{where} is float16: cast to a new array at every call")
        elif value.dtype not in (np.float32, np.int32):
            self._broken(f"{where} is {value.dtype}: not what the program takes")
        if not value.flags.writeable:
            raise self._refused(where, "is read-only", value)
        if not value.flags.c_contiguous:
            self._broken(f"{where} is not contiguous: copied at every call")
        if value.shape != border:
            raise self._refused(where, f"has the shape {value.shape}, not {border}", value)
        return value.astype(np.int32 if value.dtype == np.int32 else np.float32)

    def _refused(self, where: str, why: str, value: Any) -> RuntimeError:
        self._broken(f"{where} {why}")
        print("Error: value type not convertible:")
        print(value)
        return RuntimeError("value type not convertible")

    def _broken(self, rule: str) -> None:
        if rule not in self.violations:
            self.violations.append(rule)

    @staticmethod
    def _chatter(what: str) -> None:
        print(f"coremltools: {what}")
        os.write(1, f"Core ML: {what}\n".encode())


def _described(name: str, shape: tuple[int, ...]) -> Any:
    """A FeatureDescription; the values of its enums are FeatureTypes.proto's."""
    picture = SimpleNamespace(
        width=shape[0], height=shape[-1], colorSpace=20, ColorSpace=ColorSpace
    )
    array = SimpleNamespace(shape=shape, dataType=131104 if name == "input_ids" else 65568)
    kind = "imageType" if name in ("image", "styled") else "multiArrayType"
    return SimpleNamespace(
        name=name,
        type=SimpleNamespace(
            WhichOneof=lambda oneof: kind, imageType=picture, multiArrayType=array
        ),
    )


class ColorSpace:
    @staticmethod
    def Name(value: int) -> str:  # noqa: N802
        return {10: "GRAYSCALE", 20: "RGB", 30: "BGR"}[value]


def _error(description: str) -> RuntimeError:
    """As Core ML's `userInfo` prints."""
    return RuntimeError(f'{{\n    NSLocalizedDescription = "{description}";\n}}')


def _returned(value: np.ndarray) -> Any:
    """Pictures come back RGBA, float16 outputs as float32."""
    if value.dtype == np.uint8:
        opaque = np.full((*value.shape[:2], 1), 255, np.uint8)
        return Image.fromarray(np.concatenate((value, opaque), axis=2))
    return value.astype(np.float32) if value.dtype == np.float16 else value
