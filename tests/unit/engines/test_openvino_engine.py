"""The CPU engine computes what diffusers computes, into arrays that it keeps."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from sdcam import paths
from sdcam.engines import compiled_graphs, openvino_cpu
from sdcam.engines.single_process import open_engine
from sdcam.errors import MissingError, UsageError
from sdcam.models import ModelFolder
from sdcam.pipeline.networks import NetworksSpec

PROMPT = 1  # of references["texts"]
SIZE = (128, 64)  # of references["image"]


@pytest.fixture(scope="module")
def networks(tiny_model):
    networks = open_engine("openvino:f32", tiny_model, SIZE, threads=1)
    yield networks
    networks.close()


def test_openvino_names_its_runtime(networks, tiny_model):
    spec = networks.spec
    assert spec == NetworksSpec("tiny-model", spec.runtime, 128, 64, 4, 8)
    assert spec.runtime.startswith("openvino 20")
    assert spec.runtime.endswith(" f32")
    assert spec.latent_shape == (1, 4, 8, 16)


def test_prompts_embed_as_in_transformers(networks, references, relative):
    ours = networks.embed(str(references["texts"][PROMPT]))
    assert relative(ours, references["text_encoder"]) < 1e-5


def test_pictures_encode_as_in_diffusers(networks, references, relative):
    assert relative(networks.encode(references["image"]), references["encode"]) < 1e-5


def test_noise_is_predicted_as_in_diffusers(networks, references, relative):
    ours = networks.predict_noise(references["sample"], 499, references["text_encoder"])
    assert relative(ours, references["unet"]) < 1e-5


def test_latents_decode_as_in_diffusers(networks, references):
    out = np.empty_like(references["image"])
    networks.decode(references["sample"], out)
    apart = np.abs(out.astype(int) - references["decode"])
    assert apart.max() <= 1  # a half may round to either side
    assert np.mean(apart > 0) < 1e-3


def test_the_timestep_and_the_prompt_count(networks, references):
    def noise(timestep, embeds):
        return networks.predict_noise(references["sample"], timestep, embeds).copy()

    embeds = references["text_encoder"]
    assert not np.allclose(noise(999, embeds), noise(1, embeds))
    assert not np.allclose(noise(499, embeds), noise(499, embeds[:, ::-1]))


def test_half_precision_stays_close(tiny_model, references, relative):
    try:
        networks = open_engine("openvino:bf16", tiny_model, SIZE)
    except UsageError as fault:  # a CPU without it: then the refusal is what there is to see
        assert "bf16" in fault.what
        return
    out = np.empty_like(references["image"])
    networks.decode(references["sample"], out)
    assert relative(networks.encode(references["image"]), references["encode"]) < 0.02
    ours = networks.predict_noise(references["sample"], 499, references["text_encoder"])
    assert relative(ours, references["unet"]) < 0.02
    assert relative(out, references["decode"]) < 0.01


def test_other_sizes_run_from_the_same_files(tiny_model):
    networks = open_engine("openvino:f32", tiny_model, (64, 192), threads=1)
    latent = networks.encode(np.zeros((192, 64, 3), np.uint8))
    assert latent.shape == (1, 4, 24, 8)
    out = np.empty((192, 64, 3), np.uint8)
    networks.decode(latent, out)
    networks.close()


def test_inputs_may_have_any_strides_and_are_not_changed(networks, references):
    wide = np.zeros((64, 256, 3), np.uint8)
    wide[:, ::2] = references["image"]
    assert np.allclose(networks.encode(wide[:, ::2]), networks.encode(references["image"]))
    assert np.array_equal(wide[:, ::2], references["image"])


def test_a_call_returns_the_same_array_and_allocates_nothing(networks, references):
    out = np.empty_like(references["image"])

    def frame():
        latent = networks.encode(references["image"])
        eps = networks.predict_noise(latent, 499, references["text_encoder"])
        networks.decode(eps, out)
        return latent, eps

    first = frame()
    tracemalloc.start()
    second = frame()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [a is b for a, b in zip(first, second, strict=True)] == [True, True]
    assert peak < references["sample"].nbytes  # 2 kB, less than any array of a frame


def test_a_model_without_graphs_is_refused_with_the_command(tiny_copy):
    (tiny_copy / "decode.onnx").unlink()
    with pytest.raises(MissingError, match=r"no graphs") as caught:
        open_engine("openvino", ModelFolder.open(tiny_copy), SIZE)
    assert "sdcam models convert" in caught.value.todo


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\x08\x08"])
def test_a_damaged_graph_is_refused_by_name(tiny_copy, content):
    (tiny_copy / "unet.onnx").write_bytes(content)
    with pytest.raises(MissingError, match=r"unet\.onnx"):
        open_engine("openvino", ModelFolder.open(tiny_copy), SIZE)


def test_a_graph_that_was_written_for_other_weights_is_refused(tiny_copy):
    path = tiny_copy / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = {f"{name}x": array for name, array in load_file(path).items()}
    save_file({**load_file(path), **tensors}, path)
    with pytest.raises(MissingError, match=r"code\.onnx was written for other weights"):
        open_engine("openvino", ModelFolder.open(tiny_copy), SIZE)


def test_new_weights_of_the_same_layout_take_effect(tiny_copy, references):
    path = tiny_copy / "vae" / "diffusion_pytorch_model.safetensors"
    save_file({name: array * 0 for name, array in load_file(path).items()}, path, _metadata(path))
    networks = open_engine("openvino", ModelFolder.open(tiny_copy), SIZE)
    assert not networks.encode(references["image"]).any()
    networks.close()


def _metadata(path):
    with safe_open(path, "numpy") as file:
        return file.metadata()


def test_neither_converter_nor_telemetry_is_imported(tiny_model):
    """OpenVINO's converter phones home unless opted out; its runtime does not."""
    program = (
        "import sys; from pathlib import Path\n"
        "from sdcam.engines.single_process import open_engine\n"
        "from sdcam.models import ModelFolder\n"
        f"open_engine('openvino', ModelFolder.open(Path({str(tiny_model.path)!r})), (64, 64))\n"
        "print([m for m in sys.modules if 'telemetry' in m or 'ovc' in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture
def compilations(monkeypatch):
    """The graphs that are compiled, by name."""
    compiled = []
    refuse = openvino_cpu._refuse_other_weights  # is called for each of them

    def note(graph, model, name):
        compiled.append(name)
        refuse(graph, model, name)

    monkeypatch.setattr(openvino_cpu, "_refuse_other_weights", note)
    return compiled


def styled(model, image, size=SIZE):
    networks = open_engine("openvino:f32", model, size, threads=1)
    out = np.empty_like(image)
    noise = networks.predict_noise(networks.encode(image), 499, networks.embed("a cat"))
    networks.decode(noise, out)
    networks.close()
    return out


def blobs():
    return sorted((paths.cache_folder() / "openvino").glob("*"))


def test_the_second_start_compiles_nothing_and_paints_the_same(
    tiny_model, references, compilations
):
    first = styled(tiny_model, references["image"])
    assert sorted(compilations) == ["decode", "encode", "text_encoder", "unet"]
    assert np.array_equal(styled(tiny_model, references["image"]), first)
    assert len(compilations) == 4
    assert len(blobs()) == 4  # nothing temporary among them


def test_other_weights_sizes_and_versions_are_compiled_again(
    tiny_copy, references, compilations, monkeypatch
):
    model = ModelFolder.open(tiny_copy)
    styled(model, references["image"])
    path = tiny_copy / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: array * 0 for name, array in load_file(path).items()}, path, _metadata(path))
    styled(ModelFolder.open(tiny_copy), references["image"])
    assert compilations.count("unet") == 2 and len(compilations) == 5
    open_engine("openvino:f32", model, (64, 64), threads=1).close()
    assert compilations.count("text_encoder") == 1 and len(compilations) == 8
    monkeypatch.setattr("openvino.__version__", "1-another")
    styled(model, references["image"])
    assert len(compilations) == 12


@pytest.mark.parametrize(
    "damage", [lambda blob: blob[:-1], lambda blob: b"", lambda blob: blob[9:]]
)
def test_a_damaged_entry_is_compiled_again(tiny_model, references, compilations, damage):
    first = styled(tiny_model, references["image"])
    for blob in blobs():
        blob.write_bytes(damage(blob.read_bytes()))
    assert np.array_equal(styled(tiny_model, references["image"]), first)
    assert len(compilations) == 8
    styled(tiny_model, references["image"])
    assert len(compilations) == 8


def test_an_entry_that_openvino_refuses_is_compiled_again(tiny_model, references, compilations):
    styled(tiny_model, references["image"])
    for blob in blobs():
        content = b"not what OpenVINO has exported"
        blob.write_bytes(hashlib.sha256(content).digest() + content)
    styled(tiny_model, references["image"])
    styled(tiny_model, references["image"])
    assert len(compilations) == 8


def test_a_cache_that_cannot_be_written_costs_time_only(tiny_model, references, compilations):
    paths.cache_folder().parent.mkdir(parents=True)
    paths.cache_folder().write_text("in the way")
    styled(tiny_model, references["image"])
    styled(tiny_model, references["image"])
    assert len(compilations) == 8


def test_the_entries_used_longest_ago_are_removed(tiny_model, references, monkeypatch):
    styled(tiny_model, references["image"])
    old = blobs()
    for path in old:
        os.utime(path, (1, 1))
    most = sum(path.stat().st_size for path in old) * 1.5
    monkeypatch.setattr(compiled_graphs, "_MOST_KEPT", most)
    open_engine("openvino:f32", tiny_model, (64, 64), threads=1).close()
    assert sum(path.stat().st_size for path in blobs()) <= most
    assert len(set(blobs()) - set(old)) == 3  # the text encoder is the same one


def test_large_models_are_not_kept(tiny_model, references, compilations, monkeypatch):
    monkeypatch.setattr(compiled_graphs, "_LARGEST_WEIGHTS", 1000)
    styled(tiny_model, references["image"])
    assert blobs() == []
