"""What can be asked of a conversion, and what is refused before anything is loaded."""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib import metadata

import pytest

from sdcam.errors import MissingError, UsageError
from sdcam_convert.coreml import environment
from sdcam_convert.coreml.options import CoreMLOptions, add_options, options_from


def options(*arguments: str) -> CoreMLOptions:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return options_from(parser.parse_args(arguments))


def test_without_options_it_is_the_fused_program_of_512_pixels():
    assert options() == CoreMLOptions(layout="fused", width=512, height=512)
    assert options().programs == ("fused", "text_encoder")


def test_all_means_both_layouts():
    chosen = options("--layout", "all")
    assert chosen.layouts == ("fused", "staged")
    assert chosen.programs == ("fused", "encode", "unet", "decode", "text_encoder")


def test_a_size_is_width_by_height():
    chosen = options("--size", "768x448")
    assert (chosen.width, chosen.height) == (768, 448)


@pytest.mark.parametrize("size", ["500", "256", "832", "512x500", "0", "wide", "512x", "-512"])
def test_other_sizes_are_refused(size):
    with pytest.raises(UsageError, match="512"):
        options(f"--size={size}")


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("none", ""),
        ("int8", "int8"),
        ("palette-6", "palette-6"),
        ("mixed", "mixed-4.5"),
        ("mixed-5", "mixed-5"),
        ("mixed-2.25", "mixed-2.25"),
    ],
)
def test_the_card_says_the_compression_in_full(given, written):
    assert options("--compress", given).compression == written


@pytest.mark.parametrize(
    "given", ["palette-5", "int4", "mixed-1", "mixed-9", "mixed-few", "mixed-"]
)
def test_other_compressions_are_refused(given):
    with pytest.raises(UsageError, match=given):
        options("--compress", given)


@pytest.mark.parametrize(
    "impossible",
    [
        {"stateful": True},
        {"stateful": True, "target": "macOS15", "layout": "staged"},
        {"chunks": 2},
        {"chunks": 3, "layout": "staged"},
        {"attention": "fast"},
        {"precision": "int4"},
        {"target": "macOS9"},
        {"layout": "both"},
    ],
)
def test_what_excludes_each_other_is_refused(impossible):
    with pytest.raises(UsageError):
        CoreMLOptions(**impossible)


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({}, "512x512-fused"),
        ({"width": 768, "height": 448, "layout": "all"}, "768x448-all"),
        (
            {"attention": "split-einsum", "precision": "fp32", "compress": "mixed"},
            "512x512-fused-split-einsum-fp32-mixed-4.5",
        ),
        ({"target": "macOS15", "stateful": True}, "512x512-fused-macOS15-stateful"),
        ({"layout": "staged", "chunks": 2}, "512x512-staged-2chunks"),
    ],
)
def test_a_bundle_is_called_by_what_is_in_it(chosen, name):
    assert CoreMLOptions(**chosen).name == name


def test_the_command_line_knows_the_options_without_loading_torch():
    program = (
        "import sys, sdcam_convert.coreml.options;"
        "sys.exit(bool({'torch', 'coremltools', 'diffusers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def fake_versions(monkeypatch, **versions):
    def version(name):
        if versions.get(name, "") is None:
            raise metadata.PackageNotFoundError(name)
        return versions.get(name, "1.0")

    monkeypatch.setattr(environment, "version", version)


def test_a_numpy_that_breaks_coremltools_is_named(monkeypatch):
    fake_versions(monkeypatch, coremltools="9.0", numpy="2.4.0rc1")
    with pytest.raises(MissingError, match=r'pip install "numpy<2.4"'):
        environment.check_environment()


@pytest.mark.parametrize(("coremltools", "numpy"), [("9.0", "2.3.5"), ("9.1", "2.4.0")])
def test_versions_that_work_together_pass(monkeypatch, coremltools, numpy):
    fake_versions(monkeypatch, coremltools=coremltools, numpy=numpy)
    assert environment.check_environment()["coremltools"] == coremltools


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    fake_versions(monkeypatch, coremltools=None)
    with pytest.raises(MissingError, match=r"coremltools.*streamdiffusion-cam\[convert\]"):
        environment.check_environment()
