"""What the Core ML engine needs, and what it says where that is not there."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path

import pytest

from sdcam.engines.coreml import open_coreml, system
from sdcam.errors import MissingError, UsageError
from sdcam.platforms import macos


@pytest.mark.skipif(platform.system() == "Darwin", reason="of other systems")
def test_elsewhere_it_names_the_replay_engine(bundle):
    with pytest.raises(MissingError, match=r"macOS only.*--engine replay:m3-ultra"):
        open_coreml(bundle, ("preprocess",))


def test_an_old_macos_is_refused(coreml, bundle):
    Path(macos.SW_VERS[0]).write_text("#!/bin/sh\necho 13.6.1\n")
    with pytest.raises(MissingError, match=r"macOS 14 or newer, and this is 13\.6\.1.*Update"):
        open_coreml(bundle, ("preprocess",))


def test_a_bundle_for_a_newer_macos_is_refused_with_the_command(coreml, make_bundle):
    Path(macos.SW_VERS[0]).write_text("#!/bin/sh\necho 14.7\n")
    with pytest.raises(MissingError, match=r"made for macOS 15.*14\.7.*--target macOS14"):
        open_coreml(make_bundle(target="macOS15"), ("preprocess",))


def test_without_coremltools_it_says_how_to_get_it(coreml, bundle, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(system.metadata, "version", missing)
    with pytest.raises(MissingError, match=r"coremltools is not installed.*pip install"):
        open_coreml(bundle, ("preprocess",))


def test_a_broken_coremltools_is_named(coreml, bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(MissingError, match=r"coremltools is not installed.*pip install"):
        open_coreml(bundle, ("encode",))


def test_compute_units_are_of_each_program(coreml, bundle):
    open_coreml(bundle, ("denoise",), {"unet": "all", "text_encoder": "auto"}).close()
    assert {name: units for name, units, _ in coreml.loaded} == {
        "unet": "ALL",
        "text_encoder": "CPU_AND_GPU",
    }


@pytest.mark.parametrize(
    ("units", "what"),
    [({"unet": "gpu"}, r'"gpu".*cpu-and-gpu'), ({"vae": "all"}, r'"vae".*decode')],
)
def test_wrong_compute_units_are_refused_in_every_process(coreml, bundle, units, what):
    with pytest.raises(UsageError, match=what):
        open_coreml(bundle, ("encode",), units)
