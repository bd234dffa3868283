"""The engine keeps the rules of coremltools, and a broken engine would be found out."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from sdcam.engines.coreml import binding, compiled, open_coreml
from sdcam.engines.host_side import HostSide
from sdcam.engines.replay.toy import ToyNetworks
from sdcam.errors import SdcamError
from sdcam.pipeline.stages import FUSED_STAGES, STAGES


@pytest.fixture
def image(references):
    return references["image"]


def paint_staged(bundle, image, frames=3):
    networks = open_coreml(bundle, STAGES)
    embeds = networks.embed("a cat").copy()
    out = np.empty_like(image)
    for _ in range(frames):
        latent = networks.encode(image).copy()
        noise = networks.predict_noise(latent, 499, embeds).copy()
        networks.decode(noise, out)
    networks.close()
    return embeds, latent, noise, out


def paint_fused(bundle, image, frames=3):
    networks = open_coreml(bundle, FUSED_STAGES)
    embeds = networks.embed("a cat").copy()
    out, latent = np.empty_like(image), np.zeros(networks.spec.latent_shape, np.float32)
    for _ in range(frames):
        level = networks.schedule.single_level(0.5)
        noise = np.ones_like(latent)
        latent = networks.stylize(image, embeds, noise, latent, level, 0.5, out).copy()
    networks.close()
    return embeds, latent, out


def test_staged_programs_get_and_give_what_they_should(coreml, bundle, tiny_model, image):
    embeds, latent, noise, out = paint_staged(bundle, image)
    host = HostSide.of(tiny_model, (128, 64), "")
    tiny = ToyNetworks(host.spec, host.schedule.single_level(0.5), 16)
    words = host.tokenize("a cat").astype(np.int32)
    assert np.array_equal(embeds, tiny.text_encoder(words))
    assert np.array_equal(latent, tiny.encode(image))
    assert np.array_equal(noise, tiny.unet(latent, host.embed_time(499), embeds))
    assert np.array_equal(out, tiny.decode(noise))


def test_the_fused_program_gets_and_gives_what_it_should(coreml, bundle, tiny_model, image):
    embeds, latent, out = paint_fused(bundle, image)
    host = HostSide.of(tiny_model, (128, 64), "")
    level = host.schedule.single_level(0.5)
    tiny = ToyNetworks(host.spec, level, 16)
    time = host.embed_time(level.timestep)
    numbers = [np.float32([n]) for n in (0.5, level.sqrt_alpha, level.sqrt_one_minus_alpha)]
    theirs = np.zeros_like(latent)
    for _ in range(3):
        styled, theirs = tiny.fused(image, embeds, np.ones_like(latent), theirs, time, *numbers)
    assert np.array_equal(latent, theirs)
    assert np.array_equal(out, styled)


def test_a_unet_in_chunks_is_one_unet(coreml, make_bundle, image):
    whole = paint_staged(make_bundle("whole"), image)
    chunks = ("encode", "unet_1", "unet_2", "decode", "text_encoder")
    bundle = make_bundle("chunks", chunks, layouts=("staged",), unet_chunks=2)
    for ours, theirs in zip(paint_staged(bundle, image), whole, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("stages", "programs"),
    [
        (("preprocess", "encode"), {"encode"}),
        (("denoise",), {"unet", "text_encoder"}),
        (("decode", "smooth"), {"decode"}),
        (("fused",), {"fused", "text_encoder"}),
        (("preprocess",), set()),
        (("smooth",), set()),
    ],
)
def test_a_process_loads_what_its_stages_need_and_runs_it_once(coreml, bundle, stages, programs):
    networks = open_coreml(bundle, stages)
    assert {name for name, _, _ in coreml.loaded} == programs
    assert coreml.calls == dict.fromkeys(programs, 1)
    assert (networks.spec.model, networks.spec.runtime) == ("tiny", "coreml 9.0 fp16")
    assert networks.spec.latent_shape == (1, 4, 8, 16)
    networks.close()


def test_results_stay_in_the_same_arrays(coreml, bundle, image):
    networks = open_coreml(bundle, STAGES)
    first = networks.encode(image)
    kept = first.copy()
    assert networks.encode(255 - image) is first
    assert not np.array_equal(first, kept)
    networks.close()


def test_pictures_may_have_any_strides_and_are_not_changed(coreml, bundle, image):
    networks = open_coreml(bundle, ("preprocess", "encode"))
    expected = networks.encode(image).copy()
    wide = np.zeros((64, 256, 3), np.uint8)
    wide[:, ::2] = image
    assert np.array_equal(networks.encode(wide[:, ::2]), expected)
    assert np.array_equal(wide[:, ::2], image)
    networks.close()


def test_standard_output_is_the_same_file_afterwards(coreml, bundle, capfd):
    """Even where Core ML's compiler leaves it somewhere else."""

    def run_away():
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)

    before = os.fstat(1).st_ino
    coreml.during_compile = run_away
    open_coreml(bundle, STAGES).close()
    assert os.fstat(1).st_ino == before
    assert "Core ML: compiling" in capfd.readouterr().err


def test_a_program_that_fails_is_named(lenient_coreml, bundle, image):
    networks = open_coreml(bundle, STAGES)
    lenient_coreml.host["encode"]["mask"] = (1,)
    with pytest.raises(SdcamError, match=r"the program encode \(Feature mask is.*\.\)"):
        networks.encode(image)


@pytest.mark.parametrize(
    ("results", "what"),
    [
        ({}, "encode gave nothing as latent"),
        ({"latent": np.zeros((1, 4, 4, 4), np.float32)}, r"encode gave \(1, 4, 4, 4\) as latent"),
        ({"latent": np.zeros((64, 128, 3), np.uint8)}, "encode gave .* as latent"),
    ],
)
def test_another_output_than_the_programs_is_refused(lenient_coreml, bundle, image, results, what):
    networks = open_coreml(bundle, STAGES)
    lenient_coreml.predict = lambda name, inputs: results
    with pytest.raises(SdcamError, match=what):
        networks.encode(image)


@pytest.mark.parametrize("styled", [None, np.zeros((8, 8, 3), np.uint8), np.zeros((1, 1))])
def test_another_picture_than_the_programs_is_refused(lenient_coreml, bundle, image, styled):
    networks = open_coreml(bundle, STAGES)
    lenient_coreml.predict = lambda name, inputs: {} if styled is None else {"styled": styled}
    latent = np.zeros(networks.spec.latent_shape, np.float32)
    with pytest.raises(SdcamError, match=r"decode gave .*picture"):
        networks.decode(latent, image.copy())


def as_float16(patch):
    patch.setattr(HostSide, "latent", lambda self: np.zeros(self.spec.latent_shape, np.float16))


def as_float64(patch):
    patch.setattr(HostSide, "time", lambda self: np.zeros((1, self.embed_time.channels)))


def read_only(patch):
    def view(array):
        view = array.view()
        view.flags.writeable = False
        return view

    patch.setattr(binding, "kept_for_life", view)


def with_gaps(patch):
    def spread(array):
        wide = np.zeros((*array.shape[:-1], array.shape[-1] * 2), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]

    patch.setattr(binding, "kept_for_life", spread)


def not_kept(patch):
    patch.setattr(binding, "kept_for_life", lambda array: array)


def copied_each_time(patch):
    load = compiled.CompiledPrograms.load

    def copying(self, name, units):
        loaded = load(self, name, units)

        def predict(data):
            copies = {key: binding.kept_for_life(np.array(a)) if isinstance(a, np.ndarray) else a
                      for key, a in data.items()}  # fmt: skip
            return loaded.predict(copies)

        return SimpleNamespace(predict=predict)

    patch.setattr(compiled.CompiledPrograms, "load", copying)


def pictures_as_arrays(patch):
    class Array(np.ndarray):
        def frombytes(self, data):
            self[...] = data

    def new(mode, size):
        return np.zeros((size[1], size[0], 3), np.uint8).view(Array)

    patch.setattr(binding, "Image", SimpleNamespace(new=new, Image=Image.Image))


def height_before_width(patch):
    new = Image.new
    swapped = SimpleNamespace(new=lambda mode, size: new(mode, size[::-1]), Image=Image.Image)
    patch.setattr(binding, "Image", swapped)


def packages_loaded(patch):
    def load(self, entry, name, units):
        return self.coremltools.models.MLModel(str(self.bundle.program(name)))

    patch.setattr(compiled.CompiledPrograms, "_load", load)


def unknown_input(patch):
    bind = binding.BoundProgram.__init__

    def bound(self, name, loaded, inputs, *rest):
        bind(self, name, loaded, {**inputs, "timestep": np.zeros(1, np.float32)}, *rest)

    patch.setattr(binding.BoundProgram, "__init__", bound)


@pytest.mark.parametrize(
    ("break_engine", "found"),
    [
        (read_only, "read-only"),
        (with_gaps, "not contiguous"),
        (not_kept, "last owner"),
        (copied_each_time, "another array at each call"),
        (packages_loaded, "compiled at every load"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("paint", [paint_staged, paint_fused])
def test_a_broken_engine_is_found_out(
    lenient_coreml, bundle, image, monkeypatch, paint, break_engine, found
):
    break_engine(monkeypatch)
    try:
        paint(bundle, image)
    except SdcamError:
        assert lenient_coreml.violations  # it was the machine that refused
    gc.collect()
    lenient_coreml.check_lifetimes()
    assert any(re.search(found, rule) for rule in lenient_coreml.violations)


@pytest.mark.parametrize(
    ("break_engine", "says"),
    [
        (as_float16, r"as float32 \(1, 4, 8, 16\), not float16 \(1, 4, 8, 16\)"),
        (as_float64, r"takes time_embedding as float32 .*, not float64"),
        (pictures_as_arrays, r"takes image as RGB \(128, 64\), not uint8"),
        (height_before_width, r"takes image as RGB \(128, 64\), not RGB \(64, 128\)"),
        (unknown_input, "has no input timestep"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("paint", [paint_staged, paint_fused])
def test_inputs_are_checked_before_the_first_prediction(
    lenient_coreml, bundle, image, monkeypatch, paint, break_engine, says
):
    break_engine(monkeypatch)
    with pytest.raises(SdcamError, match=says):
        paint(bundle, image)
    assert lenient_coreml.violations == []  # the machine has seen nothing wrong


@pytest.mark.parametrize(
    ("program", "key", "shape", "says"),
    [
        ("unet", "mask", (1,), "unet needs the unknown input mask"),
        ("decode", "latent", (1, 4, 8, 8), r"decode takes latent as float32 \(1, 4, 8, 8\)"),
        ("encode", "image", (64, 64), r"encode takes image as RGB \(64, 64\)"),
    ],
)
def test_a_program_with_other_inputs_is_refused_when_it_is_loaded(
    lenient_coreml, bundle, program, key, shape, says
):
    lenient_coreml.host[program][key] = shape
    with pytest.raises(SdcamError, match=says):
        open_coreml(bundle, STAGES)
    assert program not in lenient_coreml.calls


def test_a_program_with_other_outputs_is_refused_when_it_is_loaded(lenient_coreml, bundle):
    predict = lenient_coreml.predict

    def other(name, inputs):
        return {"z": np.zeros(1)} if name == "encode" else predict(name, inputs)

    lenient_coreml.predict = other
    with pytest.raises(SdcamError, match="encode has no output latent"):
        open_coreml(bundle, STAGES)
    assert "encode" not in lenient_coreml.calls


def test_an_unguarded_standard_output_is_found_out(
    lenient_coreml, bundle, image, monkeypatch, capfd
):
    monkeypatch.setattr(compiled, "kept_standard_output", nullcontext)
    paint_staged(bundle, image)
    assert "Core ML: compiling" in capfd.readouterr().out


def test_the_real_coremltools_is_imported_without_a_word_and_without_torch():
    """It would take four times the memory in every process; afterwards torch is not spoilt."""
    code = (
        "import sys; from importlib.util import find_spec\n"
        "from sdcam.engines.coreml.system import import_coremltools\n"
        "import_coremltools(); assert 'coremltools' in sys.modules\n"
        "assert 'torch' not in sys.modules; assert find_spec('torch')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
