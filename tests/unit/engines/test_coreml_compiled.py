"""A program is compiled once for a Mac; what is stale or damaged is compiled again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from sdcam.engines.coreml import open_coreml, system
from sdcam.engines.coreml.compiled import CompiledPrograms, cache_folder
from sdcam.errors import SdcamError
from sdcam.models.bundle import Bundle
from sdcam.platforms import macos

ENCODE = ("preprocess", "encode")


def entries():
    return sorted(path.name for path in cache_folder().iterdir())


def macos_is(version, build="24C101"):
    script = f'#!/bin/sh\n[ "$1" = -buildVersion ] && echo {build} || echo {version}\n'
    Path(macos.SW_VERS).write_text(script)


def test_the_second_start_compiles_nothing(coreml, bundle):
    open_coreml(bundle, ("denoise",)).close()
    assert coreml.compiled == ["unet", "text_encoder"]
    open_coreml(bundle, ("denoise",)).close()
    assert coreml.compiled == ["unet", "text_encoder"]
    assert len(entries()) == 2


def test_it_runs_where_the_program_was_first_put(coreml, bundle):
    """Core ML keeps what it makes for a processor by the path of the program."""
    paths = []
    load = coreml._load
    sys.modules["coremltools"].models.CompiledMLModel = lambda path, **how: (
        paths.append(path), load(path, **how))[1]  # fmt: skip
    open_coreml(bundle, ENCODE).close()
    open_coreml(bundle, ENCODE).close()
    assert paths[0] == paths[1]


def test_programs_prefer_a_fast_prediction_where_macos_knows_of_it(coreml, bundle):
    open_coreml(bundle, ENCODE).close()
    name, units, hints = coreml.loaded[-1]
    assert (name, units) == ("encode", "CPU_AND_NE")
    assert hints["specializationStrategy"].name == "FastPrediction"


def test_macos_14_takes_no_hints(coreml, bundle):
    coreml.macos = (14, 5)
    macos_is("14.5")
    open_coreml(bundle, ENCODE).close()
    assert coreml.loaded[-1][2] is None


def test_another_macos_is_compiled_for_again_and_the_old_entry_goes(coreml, bundle):
    open_coreml(bundle, ENCODE).close()
    before = entries()
    macos_is("15.2")
    open_coreml(bundle, ENCODE).close()
    assert coreml.compiled == ["encode", "encode"]
    assert len(entries()) == 1
    assert entries() != before


def test_another_coremltools_is_compiled_with_again(coreml, bundle, monkeypatch):
    open_coreml(bundle, ENCODE).close()
    monkeypatch.setattr(system.metadata, "version", lambda name: "9.1")
    open_coreml(bundle, ENCODE).close()
    assert coreml.compiled == ["encode", "encode"]
    assert len(entries()) == 1


def test_a_bundle_that_was_converted_again_is_compiled_again(coreml, bundle):
    open_coreml(bundle, ENCODE).close()
    card = json.loads((bundle.path / "bundle.json").read_text())
    card["files"]["encode.mlpackage/Data/model.mlmodel"] = "0" * 64
    (bundle.path / "bundle.json").write_text(json.dumps(card))
    open_coreml(Bundle.open(bundle.path), ENCODE).close()
    assert coreml.compiled == ["encode", "encode"]
    assert len(entries()) == 1


def test_what_was_compiled_of_a_removed_bundle_goes(coreml, bundle, make_bundle):
    removed = make_bundle("removed", files={})
    open_coreml(removed, ENCODE).close()
    shutil.rmtree(removed.path)
    open_coreml(bundle, ENCODE).close()
    assert len(entries()) == 1


def test_a_damaged_program_is_compiled_once_more(coreml, bundle, caplog):
    open_coreml(bundle, ENCODE).close()
    (file,) = cache_folder().glob("*/encode.mlmodelc/model.mil")
    file.write_text("")
    open_coreml(bundle, ENCODE).close()
    assert coreml.compiled == ["encode", "encode"]
    assert "compiling it again" in caplog.text


def test_a_program_that_never_loads_is_an_error_with_its_name(coreml, bundle):
    coreml.corrupt.add("encode")
    with pytest.raises(SdcamError, match=r"load the program encode .* \(Unable to load model\)"):
        open_coreml(bundle, ENCODE)
    assert coreml.compiled == ["encode"]


def test_two_processes_that_compile_the_same_both_run(coreml, bundle):
    """The other one is done while this one is in the middle of it."""
    mine = CompiledPrograms(
        bundle, system.find_system(), sys.modules["coremltools"], cache_folder()
    )
    entry = mine._entry("encode")

    def other_process():
        theirs = cache_folder() / ".of.another" / "encode.mlmodelc"
        theirs.mkdir(parents=True)
        (theirs / "model.mil").write_text("encode")
        theirs.parent.rename(entry)

    coreml.during_compile = other_process
    mine.load("encode", "CPU_ONLY")
    assert coreml.loaded[-1][0] == "encode"
    assert entries() == [entry.name]


def test_an_entry_without_its_note_is_removed(coreml, bundle):
    (cache_folder() / "0123" / "encode.mlmodelc").mkdir(parents=True)
    (cache_folder() / "0123" / "made-from.json").write_text("{")
    open_coreml(bundle, ENCODE).close()
    assert len(entries()) == 1


def test_what_a_killed_process_left_is_removed(coreml, bundle):
    left = cache_folder() / ".0123456789abcdef.999999999"
    (left / "encode.mlmodelc").mkdir(parents=True)
    open_coreml(bundle, ENCODE).close()
    assert len(entries()) == 1


def test_a_cache_that_cannot_be_written_is_one_sentence(coreml, bundle):
    cache_folder().parent.mkdir(parents=True)
    cache_folder().write_text("in the way")
    with pytest.raises(SdcamError, match=r"encode cannot be written to .*Make room"):
        open_coreml(bundle, ENCODE)


def test_a_compilation_that_fails_leaves_nothing(coreml, bundle):
    def fail():
        raise RuntimeError("no\nluck")

    coreml.during_compile = fail
    with pytest.raises(SdcamError, match=r"cannot compile the program encode of .* \(no\)"):
        open_coreml(bundle, ENCODE)
    assert entries() == []
