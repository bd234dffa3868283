"""The service's Core ML engine on converted programs paints what torch paints."""

from __future__ import annotations

import coremltools
import numpy as np
import pytest
import torch
from PIL import Image

from sdcam.engines.coreml.compiled import CompiledPrograms
from sdcam.engines.coreml.networks import CoreMLFused, CoreMLNetworks
from sdcam.engines.coreml.system import System
from sdcam.engines.host_side import HostSide
from sdcam.engines.torch_device import TorchNetworks
from sdcam.errors import SdcamError
from sdcam.pipeline.frame import Frame, FrameBuffers
from sdcam.pipeline.img2img import Img2Img
from sdcam.pipeline.look import Look
from sdcam.pipeline.stages import FUSED_STAGES, STAGES
from sdcam_convert.mil import Program

SIZE = (384, 320)
FRAMES = 3


class Evaluated:
    """A program of the bundle with the manners of coremltools' model class."""

    def __init__(self, bundle, name):
        self._program = Program.load(bundle.program(name))

    def predict(self, data):
        given = {
            key: np.asarray(value) if isinstance(value, Image.Image) else value
            for key, value in data.items()
        }
        results = self._program.run(given)
        return {
            key: Image.fromarray(value).convert("RGBA") if value.dtype == np.uint8 else value
            for key, value in results.items()
        }


@pytest.fixture(scope="module")
def opened(tiny_conversion):
    def opened(kind, *names):
        bundle = tiny_conversion.bundle
        programs = {name: Evaluated(bundle, name) for name in (*names, "text_encoder")}
        return kind(HostSide.of_bundle(bundle, "evaluator"), programs)

    return opened


def film(networks, stages, frames):
    """Styled pictures, the previous latent in each."""
    look = Look("a cat", feedback=0.3, smoothing=0.0)
    img2img = Img2Img(networks, look, stages)
    styled = []
    for camera in frames:
        buffers = FrameBuffers.allocate(networks.spec, camera)
        img2img.stylize(Frame(look, 0), buffers)
        styled.append(buffers.styled.copy())
    return np.stack(styled).astype(float)


def test_staged_and_fused_paint_what_torch_paints(opened, tiny_model, relative):
    random = np.random.default_rng(3)
    small = random.integers(0, 255, (FRAMES, 10, 12, 3), np.uint8)
    frames = small.repeat(32, axis=1).repeat(32, axis=2)
    reference = TorchNetworks(tiny_model, SIZE, "cpu", dtype=torch.float32)
    expected = film(reference, STAGES, frames)
    staged = film(opened(CoreMLNetworks, "encode", "unet", "decode"), STAGES, frames)
    fused = film(opened(CoreMLFused, "fused"), FUSED_STAGES, frames)
    assert expected.std() > 10  # there is something to see
    assert relative(staged, expected) < 0.005  # half precision
    assert relative(fused, expected) < 0.005
    assert relative(staged[:1], expected[1:2]) > 0.02  # another frame would be found out


def test_programs_are_what_their_packages_describe(tiny_conversion):
    """The real description of a real conversion passes the check, and a wrong one does not."""
    bundle = tiny_conversion.bundle
    programs = CompiledPrograms(bundle, System((15,), "", ""), coremltools, bundle.path)
    host = HostSide.of_bundle(bundle, "evaluator")
    named = {name: Evaluated(bundle, name) for name in ("encode", "unet", "decode", "text_encoder")}
    described = {name: programs.describe(name) for name in named}
    assert described["encode"].inputs == {"image": ("RGB", SIZE)}
    assert described["text_encoder"].inputs == {"input_ids": ("int32", (1, 77))}
    assert described["decode"].outputs == {"styled": ("RGB", SIZE)}
    CoreMLNetworks(host, named, described)
    CoreMLFused(
        host,
        {name: Evaluated(bundle, name) for name in ("fused", "text_encoder")},
        {name: programs.describe(name) for name in ("fused", "text_encoder")},
    )
    described["unet"].inputs["sample"] = ("float16", host.spec.latent_shape)
    with pytest.raises(SdcamError, match="unet takes sample as float16"):
        CoreMLNetworks(host, named, described)
