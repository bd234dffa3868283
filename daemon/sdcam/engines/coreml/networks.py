"""A model's programs as the engine's protocol: staged, or the whole frame as one program.

Everything that crosses to Core ML is a PIL image or a float32 or int32 array that stays where it
is. coremltools wraps those without a copy, and would cast a float16 array at every call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from sdcam.arrays import Float, Pixels
from sdcam.engines.coreml.binding import Array, BoundProgram, Description, LoadedProgram
from sdcam.engines.host_side import HostSide
from sdcam.models.folder import TOKENS
from sdcam.pipeline.scheduler import NoiseLevel

# The programs behind the stages of `sdcam.pipeline.stages`; the others need none.
_PROGRAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "encode": ("encode",),
    "denoise": ("unet", "text_encoder"),
    "decode": ("decode",),
    "fused": ("fused", "text_encoder"),
}
_UNET_INPUTS = ("sample", "time_embedding", "prompt_embeds")


def programs_of(stages: Sequence[str]) -> tuple[str, ...]:
    """The programs that a process with these stages loads."""
    return tuple(program for stage in stages for program in _PROGRAMS.get(stage, ()))


class _Prompts:
    """The text encoder, which both layouts have in the process that follows the prompt.

    Args:
        host: of the model.
        programs: by name; a method may be called only if its program is here.
        described: what the programs say of themselves, by name.
    """

    def __init__(
        self,
        host: HostSide,
        programs: Mapping[str, LoadedProgram],
        described: Mapping[str, Description] | None = None,
    ) -> None:
        self._host = host
        self.spec, self.schedule = host.spec, host.schedule
        self._programs = programs
        self._described = described or {}
        self._bound: dict[str, BoundProgram] = {}
        if "text_encoder" in programs:
            self._words = np.zeros((1, TOKENS), np.int32)
            self._embedded = host.prompt_embeds()
            self._bind(
                "text_encoder", {"input_ids": self._words}, {"prompt_embeds": self._embedded}
            )
            self.embed("")  # the first run allocates

    def embed(self, prompt: str) -> Float:
        """(1, 77, C) float32, valid until the next call."""
        np.copyto(self._words, self._host.tokenize(prompt))
        self._bound["text_encoder"].run()
        return self._embedded

    def close(self) -> None:
        """Frees the programs. Their inputs stay: see `kept_for_life`."""
        self._bound.clear()
        self._programs = {}

    def _bind(
        self,
        name: str,
        inputs: Mapping[str, Array],
        results: Mapping[str, Array],
        takes_picture: bool = False,
    ) -> BoundProgram:
        bound = BoundProgram(
            name,
            self._programs[name],
            inputs,
            results,
            self._described.get(name),
            (self.spec.width, self.spec.height),
            takes_picture,
        )
        self._bound[name] = bound
        return bound


class CoreMLNetworks(_Prompts):
    """`Networks` of any of the programs "encode", "unet", "decode" and "text_encoder". In place of
    "unet" there may be parts of it, "unet_1" and so on, which have to be described."""

    def __init__(
        self,
        host: HostSide,
        programs: Mapping[str, LoadedProgram],
        described: Mapping[str, Description] | None = None,
    ) -> None:
        super().__init__(host, programs, described)
        picture = host.picture()[0]
        if "encode" in programs:
            self._encoded = host.latent()
            self._bind("encode", {}, {"latent": self._encoded}, takes_picture=True)
            self.encode(picture)
        self._unet = self._bind_unet([name for name in programs if name.startswith("unet")])
        if "decode" in programs:
            self._to_decode = host.latent()
            self._bind("decode", {"latent": self._to_decode}, {})
            self.decode(self._to_decode, picture)

    def encode(self, image: Pixels) -> Float:
        self._bound["encode"].run(image)
        return self._encoded

    def predict_noise(self, latent: Float, timestep: int, prompt_embeds: Float) -> Float:
        np.copyto(self._known["sample"], latent)
        np.copyto(self._known["time_embedding"], self._host.embed_time(timestep))
        np.copyto(self._known["prompt_embeds"], prompt_embeds)
        for part in self._unet:
            part.run()
        return self._known["noise"]

    def decode(self, latent: Float, out: Pixels) -> None:
        np.copyto(self._to_decode, latent)
        self._bound["decode"].run(out=out)

    def close(self) -> None:
        super().close()
        self._unet = ()

    def _bind_unet(self, names: Sequence[str]) -> tuple[BoundProgram, ...]:
        """A part takes, by name, the UNet's inputs and the results of the parts before it: the very
        arrays."""
        if not names:
            return ()
        self._known: dict[str, Array] = {
            "sample": self._host.latent(),
            "time_embedding": self._host.time(),
            "prompt_embeds": self._host.prompt_embeds(),
        }
        parts = []
        for name in names:
            inputs: Sequence[str] = _UNET_INPUTS
            outputs: Mapping[str, tuple[int, ...]] = {"noise": self.spec.latent_shape}
            if name != "unet":
                described = self._described[name]
                inputs = tuple(described.inputs)
                outputs = {key: shape for key, (_, shape) in described.outputs.items()}
            results = {key: np.zeros(shape, np.float32) for key, shape in outputs.items()}
            parts.append(self._bind(name, {key: self._known[key] for key in inputs}, results))
            self._known |= results
        for part in parts:
            part.run()
        return tuple(parts)


class CoreMLFused(_Prompts):
    """`FusedNetworks` of the programs "fused" and "text_encoder"."""

    def __init__(
        self,
        host: HostSide,
        programs: Mapping[str, LoadedProgram],
        described: Mapping[str, Description] | None = None,
    ) -> None:
        super().__init__(host, programs, described)
        self._latent = host.latent()
        self._inputs: dict[str, Float] = {
            "prompt_embeds": host.prompt_embeds(),
            "noise": host.latent(),
            "previous_latent": host.latent(),
            "time_embedding": host.time(),
            "feedback": np.zeros(1, np.float32),
            "sqrt_alpha": np.ones(1, np.float32),
            "sqrt_one_minus_alpha": np.zeros(1, np.float32),
        }
        picture = host.picture()[0]
        self._bind("fused", self._inputs, {"latent": self._latent}, True).run(picture, picture)

    def stylize(
        self,
        image: Pixels,
        prompt_embeds: Float,
        noise: Float,
        previous: Float,
        level: NoiseLevel,
        feedback: float,
        out: Pixels,
    ) -> Float:
        np.copyto(self._inputs["prompt_embeds"], prompt_embeds)
        np.copyto(self._inputs["noise"], noise)
        np.copyto(self._inputs["previous_latent"], previous)
        np.copyto(self._inputs["time_embedding"], self._host.embed_time(level.timestep))
        self._inputs["feedback"][0] = feedback
        self._inputs["sqrt_alpha"][0] = level.sqrt_alpha
        self._inputs["sqrt_one_minus_alpha"][0] = level.sqrt_one_minus_alpha
        self._bound["fused"].run(image, out)
        return self._latent
