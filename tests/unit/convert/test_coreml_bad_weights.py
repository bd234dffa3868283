"""A checkpoint whose weights are not those of its configuration is refused, by name."""

from __future__ import annotations

import pytest
from safetensors.numpy import load_file, save_file

from sdcam.errors import MissingError
from sdcam.models import ModelFolder
from sdcam_convert.coreml.convert import convert_coreml
from sdcam_convert.coreml.options import CoreMLOptions
from sdcam_convert.coreml.programs import build_program

SMALL = CoreMLOptions(layout="staged", width=320, height=320)


def remove_a_weight(weights):
    del weights[matrix(weights)]


def cut_a_weight(weights):
    weights[matrix(weights)] = weights[matrix(weights)][:-1].copy()


def matrix(weights):
    return next(name for name in sorted(weights) if weights[name].ndim > 1)


def damaged(folder, part, damage):
    """The file that was damaged."""
    (path,) = (folder / part).glob("*.safetensors")
    weights = load_file(path)
    damage(weights)
    save_file(weights, path)
    return path


@pytest.mark.parametrize("damage", [remove_a_weight, cut_a_weight])
@pytest.mark.parametrize(
    ("part", "program"), [("unet", "unet"), ("vae", "decode"), ("text_encoder", "text_encoder")]
)
def test_weights_that_do_not_fit_are_refused(tiny_copy, part, program, damage):
    path = damaged(tiny_copy, part, damage)
    with pytest.raises(MissingError, match=str(path)):
        build_program(program, ModelFolder.open(tiny_copy), SMALL)


def test_nothing_is_kept_of_a_conversion_that_finds_them(tiny_copy, tmp_path):
    damaged(tiny_copy, "vae", remove_a_weight)
    out = tmp_path / "bundles" / "one"
    with pytest.raises(MissingError, match="do not fit"):
        convert_coreml(ModelFolder.open(tiny_copy), out, SMALL, str)
    assert not out.parent.exists()
