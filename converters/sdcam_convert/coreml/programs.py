"""The ML Programs of a bundle as torch modules, with the names and shapes that the engine uses.

    fused         image, prompt_embeds, noise, previous_latent, time_embedding,
                  feedback, sqrt_alpha, sqrt_one_minus_alpha     -> styled, latent
    encode        image                                          -> latent
    unet          sample, time_embedding, prompt_embeds          -> noise
    decode        latent                                         -> styled
    text_encoder  input_ids                                      -> prompt_embeds

`image` and `styled` are RGB pictures of H x W, to torch (1, 3, H, W) from 0 to 255; everything
else is float32, `input_ids` int32: coremltools would cast an fp16 array to a new one at every call.
"""

# mypy: disable-error-code="misc"
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from sdcam.engines.torch_modules import Decode, Encode, load_modules
from sdcam.models import ModelFolder
from sdcam.models.folder import LATENT_SCALE, TOKENS
from sdcam_convert.coreml.options import CoreMLOptions
from sdcam_convert.coreml.tracing import ready_text_encoder, ready_unet

PREVIOUS = "previous_latent"


@dataclass(frozen=True)
class Feature:
    """An input or output of a program."""

    name: str
    shape: tuple[int, ...] = ()  # of an output, what the program makes of it
    kind: Literal["image", "float32", "int32"] = "float32"


@dataclass(frozen=True)
class TraceableProgram:
    """What `write_packages` converts."""

    name: str
    module: nn.Module
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    states: tuple[Feature, ...] = field(default=())  # named as the module's buffers


def build_program(name: str, model: ModelFolder, options: CoreMLOptions) -> TraceableProgram:
    """
    Args:
        name: one of `CoreMLOptions.programs`.
    """
    return _BUILDERS[name](model, options)


def time_channels(model: ModelFolder) -> int:
    """T of the time embedding."""
    return int(model.unet.get("time_embedding_dim") or 4 * model.unet["block_out_channels"][0])


class Fused(nn.Module):
    """One step of img2img. The clean latent is found from the noise's error and not from the noisy
    latent: at t = 999 that has a fourteenth of the rounding error in half precision."""

    def __init__(self, encode: nn.Module, unet: nn.Module, decode: nn.Module) -> None:
        super().__init__()
        self.encode, self.unet, self.decode = encode, unet, decode

    def forward(
        self,
        image: torch.Tensor,
        prompt_embeds: torch.Tensor,
        noise: torch.Tensor,
        previous_latent: torch.Tensor,
        time_embedding: torch.Tensor,
        feedback: torch.Tensor,
        sqrt_alpha: torch.Tensor,
        sqrt_one_minus_alpha: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        clean = self.encode(image)
        clean = clean + feedback * (previous_latent - clean)
        noisy = sqrt_alpha * clean + sqrt_one_minus_alpha * noise
        predicted = self.unet(noisy, time_embedding, prompt_embeds)
        latent = clean + (sqrt_one_minus_alpha / sqrt_alpha) * (noise - predicted)
        return self.decode(latent), latent


class StatefulFused(nn.Module):
    """`Fused`, its previous latent in a state of the program. States are fp16 in Core ML."""

    def __init__(self, fused: Fused, latent: tuple[int, ...]) -> None:
        super().__init__()
        self.fused = fused
        self.previous_latent: torch.Tensor
        self.register_buffer(PREVIOUS, torch.zeros(latent, dtype=torch.float16))

    def forward(
        self,
        image: torch.Tensor,
        prompt_embeds: torch.Tensor,
        noise: torch.Tensor,
        time_embedding: torch.Tensor,
        feedback: torch.Tensor,
        sqrt_alpha: torch.Tensor,
        sqrt_one_minus_alpha: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        styled, latent = self.fused(
            image,
            prompt_embeds,
            noise,
            self.previous_latent.float(),
            time_embedding,
            feedback,
            sqrt_alpha,
            sqrt_one_minus_alpha,
        )
        self.previous_latent[:] = latent.half()
        return styled, latent


class PixelsIn(nn.Module):
    """A stage's encoder, fed with Core ML's picture: channels first, 0 to 255."""

    def __init__(self, stage: Encode) -> None:
        super().__init__()
        self.layers = stage.vae["encoder"].layers
        self.patch, self.factor = stage.patch, stage.factor

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = image * (1 / 255)
        if self.patch > 1:
            x = functional.pixel_unshuffle(x, self.patch)
        latent = self.layers(x)
        return latent if self.factor == 1 else latent * self.factor


class PixelsOut(nn.Module):
    """A stage's decoder; Core ML rounds to bytes itself."""

    def __init__(self, stage: Decode) -> None:
        super().__init__()
        self.layers = stage.vae["decoder"].layers
        self.patch, self.factor = stage.patch, stage.factor

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        x = self.layers(torch.tanh(latent * (1 / (3 * self.factor))) * 3)
        x = (x * 255).clamp(0, 255)
        return functional.pixel_shuffle(x, self.patch) if self.patch > 1 else x


def _fused(model: ModelFolder, options: CoreMLOptions) -> TraceableProgram:
    stages = load_modules(model, ("encode", "unet", "decode"))
    module: nn.Module = Fused(
        PixelsIn(stages["encode"]),
        ready_unet(stages["unet"], options.attention),
        PixelsOut(stages["decode"]),
    )
    latent = _latent(model, options)
    scalars = tuple(Feature(n, (1,)) for n in ("feedback", "sqrt_alpha", "sqrt_one_minus_alpha"))
    previous = Feature(PREVIOUS, latent)
    if options.stateful:
        module = StatefulFused(module, latent)
    return TraceableProgram(
        "fused",
        module,
        inputs=(
            _image("image", options),
            _prompt(model),
            Feature("noise", latent),
            *(() if options.stateful else (previous,)),
            _time(model),
            *scalars,
        ),
        outputs=(_image("styled", options), Feature("latent", latent)),
        states=(previous,) if options.stateful else (),
    )


def _encode(model: ModelFolder, options: CoreMLOptions) -> TraceableProgram:
    module = PixelsIn(load_modules(model, ("encode",))["encode"])
    latent = Feature("latent", _latent(model, options))
    return TraceableProgram("encode", module, (_image("image", options),), (latent,))


def _unet(model: ModelFolder, options: CoreMLOptions) -> TraceableProgram:
    module = ready_unet(load_modules(model, ("unet",))["unet"], options.attention)
    latent = _latent(model, options)
    inputs = (Feature("sample", latent), _time(model), _prompt(model))
    return TraceableProgram("unet", module, inputs, (Feature("noise", latent),))


def _decode(model: ModelFolder, options: CoreMLOptions) -> TraceableProgram:
    module = PixelsOut(load_modules(model, ("decode",))["decode"])
    latent = Feature("latent", _latent(model, options))
    return TraceableProgram("decode", module, (latent,), (_image("styled", options),))


def _text_encoder(model: ModelFolder, options: CoreMLOptions) -> TraceableProgram:
    module = ready_text_encoder(load_modules(model, ("text_encoder",))["text_encoder"])
    tokens = Feature("input_ids", (1, TOKENS), "int32")
    return TraceableProgram("text_encoder", module, (tokens,), (_prompt(model),))


_BUILDERS: dict[str, Callable[[ModelFolder, CoreMLOptions], TraceableProgram]] = {
    "fused": _fused,
    "encode": _encode,
    "unet": _unet,
    "decode": _decode,
    "text_encoder": _text_encoder,
}


def _latent(model: ModelFolder, options: CoreMLOptions) -> tuple[int, int, int, int]:
    rows, columns = options.height // LATENT_SCALE, options.width // LATENT_SCALE
    return (1, model.latent_channels, rows, columns)


def _image(name: str, options: CoreMLOptions) -> Feature:
    return Feature(name, (1, 3, options.height, options.width), "image")


def _prompt(model: ModelFolder) -> Feature:
    return Feature("prompt_embeds", (1, TOKENS, model.embed_channels))


def _time(model: ModelFolder) -> Feature:
    return Feature("time_embedding", (1, time_channels(model)))
