"""A safetensors file is read without a framework, and a damaged one is refused."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sdcam.errors import MissingError
from sdcam.models.weights import WeightsFile


def test_tensors_are_what_the_reference_implementation_reads(tiny_model):
    ours = WeightsFile.open(tiny_model.unet_weights)
    theirs = load_file(tiny_model.unet_weights)
    assert set(ours.tensors) == set(theirs)
    for name, array in theirs.items():
        assert np.array_equal(ours.read(name), array.astype(np.float32)), name


def test_offsets_point_at_the_bytes_of_the_tensor(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    save_file({"a": np.ones(3, np.float16), "b": array}, tmp_path / "w.safetensors")
    tensor = WeightsFile.open(tmp_path / "w.safetensors").tensors["b"]
    raw = (tmp_path / "w.safetensors").read_bytes()
    assert raw[tensor.offset : tensor.offset + tensor.length] == array.tobytes()


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path):
    values = np.array([1.0, -2.5, 0.0078125], np.float32)
    halves = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    header = json.dumps({"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + halves)
    assert np.array_equal(WeightsFile.open(path).read("x"), values)


def test_a_tensor_that_is_not_there_is_named(tiny_model):
    with pytest.raises(MissingError, match=r"have no nowhere\.weight"):
        WeightsFile.open(tiny_model.vae_weights).read("nowhere.weight")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:5],
        lambda data: b"",
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: data[:8] + b"[" + data[9:],
        lambda data: data.replace(b"F16", b"F32"),
        lambda data: data.replace(b'"shape"', b'"shame"'),
    ],
    ids=["cut", "no header", "empty", "endless header", "no JSON", "wrong type", "no shape"],
)
def test_a_damaged_file_is_refused_by_name(tiny_copy, damage):
    path = tiny_copy / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MissingError, match="damaged") as refusal:
        WeightsFile.open(path)
    assert str(path) in refusal.value.what
    assert refusal.value.todo
