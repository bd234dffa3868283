"""The word in the configuration chooses the engine, or is refused in one sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sdcam.engines import single_process as opening
from sdcam.engines.single_process import open_engine
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.models import ModelFolder


def test_auto_runs_a_model_with_graphs_on_the_cpu(tiny_model, monkeypatch):
    monkeypatch.setattr(opening, "_accelerator_is_likely", lambda: False)
    networks = open_engine("auto", tiny_model, (64, 64))
    assert networks.spec.runtime.startswith("openvino")
    networks.close()


def test_auto_prefers_an_accelerator_for_all_but_the_embedded_model(tiny_copy, monkeypatch):
    monkeypatch.setattr(opening, "_accelerator_is_likely", lambda: True)
    monkeypatch.setattr(opening, "_torch_is_installed", lambda: True)
    big = ModelFolder.open(tiny_copy)
    embedded = ModelFolder.open(tiny_copy.rename(tiny_copy.with_name("pocket")))
    assert opening.automatic_engine(big) == "torch"
    assert opening.automatic_engine(embedded) == "openvino"


def test_without_graphs_and_without_torch_both_ways_out_are_named(tiny_copy, monkeypatch):
    monkeypatch.setattr(opening, "_torch_is_installed", lambda: False)
    (tiny_copy / "unet.onnx").unlink()
    with pytest.raises(MissingError) as caught:
        open_engine("auto", ModelFolder.open(tiny_copy), (64, 64))
    assert "sdcam models convert" in caught.value.todo
    assert "[torch]" in caught.value.todo


def test_the_torch_engine_without_torch_says_what_to_install(tiny_model, monkeypatch):
    monkeypatch.setattr(opening, "_torch_is_installed", lambda: False)
    with pytest.raises(MissingError) as caught:
        open_engine("torch:cpu", tiny_model, (64, 64))
    assert "streamdiffusion-cam[torch]" in caught.value.todo


@pytest.mark.parametrize("spec", ["", "tensorrt", "openvino:int4", "Torch", "onnx:cpu"])
def test_an_unknown_engine_is_a_usage_error(tiny_model, spec):
    with pytest.raises(UsageError) as caught:
        open_engine(spec, tiny_model, (64, 64))
    assert "model.engine" in caught.value.todo


@pytest.mark.parametrize("size", [(0, 64), (64, 63), (500, 512), (-64, 64)])
def test_a_size_that_no_model_paints_is_a_usage_error(tiny_model, size):
    with pytest.raises(UsageError, match="cannot paint"):
        open_engine("openvino", tiny_model, size)


def test_a_schedule_that_we_do_not_know_is_refused_before_loading(tiny_copy):
    path = tiny_copy / "scheduler" / "scheduler_config.json"
    path.write_text(path.read_text().replace('"linear"', '"squaredcos_cap_v2"'))
    with pytest.raises(SdcamError, match="squaredcos_cap_v2"):
        open_engine("openvino", ModelFolder.open(tiny_copy), (64, 64))


def test_a_process_of_a_model_imports_no_settings():
    """Importing pydantic takes 0.2 s, before the first frame of every process."""
    code = (
        "import sys, sdcam.workers.stage_process, sdcam.engines.openvino_cpu, sdcam.engines.coreml"
    )
    heavy = (
        "print([m for m in ('pydantic', 'tomlkit', 'tokenizers', 'openvino') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{heavy}"], check=False, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
