"""The torch engine agrees with diffusers and with the CPU engine. Needs the extra [torch]."""

from __future__ import annotations

import numpy as np
import pytest

from sdcam.engines.single_process import open_engine
from sdcam.errors import MissingError, UsageError

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def frame(references):
    """All four stages on the referenced inputs."""

    def run(networks):
        styled = np.empty_like(references["image"])
        networks.decode(references["sample"], styled)
        return {
            "text_encoder": networks.embed(str(references["texts"][1])).copy(),
            "encode": networks.encode(references["image"]).copy(),
            "unet": networks.predict_noise(
                references["sample"], 499, references["text_encoder"]
            ).copy(),
            "decode": styled,
        }

    return run


def test_it_agrees_with_diffusers_in_float32(tiny_model, references, frame, relative):
    from sdcam.engines.torch_device import TorchNetworks

    networks = TorchNetworks(tiny_model, (128, 64), device="cpu", dtype=torch.float32)
    assert networks.spec.runtime.endswith(" cpu fp32")
    for stage, ours in frame(networks).items():
        assert relative(ours, references[stage]) < 1e-4, stage
    networks.close()


def test_it_agrees_with_the_cpu_engine(tiny_model, frame, relative):
    ours = frame(open_engine("torch:cpu", tiny_model, (128, 64)))
    theirs = frame(open_engine("openvino:f32", tiny_model, (128, 64)))
    for stage, array in ours.items():
        assert array.dtype == theirs[stage].dtype
        assert relative(array, theirs[stage]) < 0.02, stage


def test_it_needs_no_graphs(tiny_copy):
    from sdcam.models import ModelFolder

    for graph in tiny_copy.glob("*.onnx"):
        graph.unlink()
    open_engine("torch:cpu", ModelFolder.open(tiny_copy), (64, 64)).close()


def test_a_device_that_is_not_there_is_missing(tiny_model):
    if torch.backends.mps.is_available():
        pytest.skip("this machine has Metal")
    with pytest.raises(MissingError, match='no "mps" device'):
        open_engine("torch:mps", tiny_model, (64, 64))


def test_a_device_that_torch_does_not_know_is_a_usage_error(tiny_model):
    with pytest.raises(UsageError, match='"tpu"'):
        open_engine("torch:tpu", tiny_model, (64, 64))


def test_the_exported_graphs_agree_with_diffusers(tiny_copy):
    pytest.importorskip("onnx")
    from sdcam.models import ModelFolder
    from sdcam_convert.agreement import TOLERANCE, cpu_agreement
    from sdcam_convert.cpu import export_cpu

    for graph in tiny_copy.glob("*.onnx"):
        graph.unlink()
    lines = []
    export_cpu(tiny_copy, progress=lines.append)
    assert len(lines) == 4
    for stage, difference in cpu_agreement(ModelFolder.open(tiny_copy)).items():
        assert difference < TOLERANCE[stage], stage
