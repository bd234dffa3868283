"""A model's programs as the engine's protocol: staged, or the whole frame as one program.

Everything that crosses to Core ML is a PIL image or a float32 or int32 array that stays where it
is: coremltools wraps those without a copy, and would cast a float16 one at every call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sdcam.engines.coreml.binding import Array, BoundProgram, LoadedProgram
from sdcam.engines.host_side import Float, HostSide, Pixels
from sdcam.models.folder import TOKENS
from sdcam.pipeline.scheduler import NoiseLevel


@dataclass(frozen=True)
class Chunk:
    """A part of the UNet: takes, by name, the UNet's inputs and what earlier parts gave."""

    program: LoadedProgram
    inputs: tuple[str, ...]
    outputs: Mapping[str, tuple[int, ...]]  # name to shape


class _Prompts:
    """What both layouts have: the text encoder, where its program is loaded."""

    def __init__(self, host: HostSide, programs: Mapping[str, LoadedProgram]) -> None:
        self._host = host
        self.spec, self.schedule = host.spec, host.schedule
        self._size = host.spec.width, host.spec.height
        self._bound: dict[str, BoundProgram] = {}
        if "text_encoder" in programs:
            self._words = np.zeros((1, TOKENS), np.int32)
            self._embedded = host.prompt_embeds()
            self._bound["text_encoder"] = BoundProgram(
                "text_encoder",
                programs["text_encoder"],
                {"input_ids": self._words},
                {"prompt_embeds": self._embedded},
            )
            self.embed("")  # the first run allocates

    def embed(self, prompt: str) -> Float:
        np.copyto(self._words, self._host.tokenize(prompt))
        self._bound["text_encoder"].run()
        return self._embedded

    def close(self) -> None:
        """Lets go of the programs. Their inputs stay, for Core ML's sake."""
        self._bound.clear()


class CoreMLNetworks(_Prompts):
    """
    Args:
        host: of the model.
        programs: any of "encode", "unet", "decode" and "text_encoder"; what is not there is not
            to be called.
        chunks: the UNet in parts, in order, in place of "unet".
    """

    def __init__(
        self,
        host: HostSide,
        programs: Mapping[str, LoadedProgram],
        chunks: Sequence[Chunk] = (),
    ) -> None:
        super().__init__(host, programs)
        if "encode" in programs:
            self._encoded = host.latent()
            self._bound["encode"] = BoundProgram(
                "encode", programs["encode"], {}, {"latent": self._encoded}, self._size, True
            )
            self.encode(host.picture()[0])
        if "unet" in programs:
            outputs = {"noise": host.spec.latent_shape}
            chunks = (
                Chunk(programs["unet"], ("sample", "time_embedding", "prompt_embeds"), outputs),
            )
        self._unet = self._chain(chunks) if chunks else ()
        if "decode" in programs:
            self._to_decode = host.latent()
            self._bound["decode"] = BoundProgram(
                "decode", programs["decode"], {"latent": self._to_decode}, {}, self._size
            )
            self.decode(self._to_decode, host.picture()[0])

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

    def _chain(self, chunks: Sequence[Chunk]) -> tuple[BoundProgram, ...]:
        """A part's results are the very arrays that later parts take."""
        self._known: dict[str, Array] = {
            "sample": self._host.latent(),
            "time_embedding": self._host.time(),
            "prompt_embeds": self._host.prompt_embeds(),
        }
        parts = []
        for number, chunk in enumerate(chunks, start=1):
            inputs = {name: self._known[name] for name in chunk.inputs}
            results = {name: np.zeros(shape, np.float32) for name, shape in chunk.outputs.items()}
            self._known |= results
            name = "unet" if len(chunks) == 1 else f"unet_{number}"
            parts.append(BoundProgram(name, chunk.program, inputs, results))
        for part in parts:
            part.run()
        return tuple(parts)


class CoreMLFused(_Prompts):
    """
    Args:
        programs: "fused" and "text_encoder".
    """

    def __init__(self, host: HostSide, programs: Mapping[str, LoadedProgram]) -> None:
        super().__init__(host, programs)
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
        self._bound["fused"] = BoundProgram(
            "fused", programs["fused"], self._inputs, {"latent": self._latent}, self._size, True
        )
        picture = host.picture()[0]
        self._bound["fused"].run(picture, picture)

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
