"""A network small enough for any machine that depends on everything a real one depends on.

It restyles: areas melt into each other, the prompt tints them, few tones remain. The result is no
work of art. But it moves with the camera, changes with prompt and strength, and every bit of it
depends on prompt, timestep, noise and previous latent: a frame that was painted with the wrong one
shows when bits are compared.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from sdcam.arrays import Float, Pixels
from sdcam.models.folder import LATENT_SCALE, TOKENS
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseLevel

_VOCABULARY = 1021  # rows of the embedding table; token numbers wrap
_MELT = (3, 3)  # pixels of the latent that flow into one
_TINT, _DRIFT = np.float32(0.3), np.float32(0.02)  # of colours from -1 to 1
_TONES = 10


class ToyNetworks:
    """
    Args:
        spec: sizes of the model that it stands in for.
        usual: the noise level at which it looks best; at others it looks rougher.
        time_channels: of the time embedding.
    """

    def __init__(self, spec: NetworksSpec, usual: NoiseLevel, time_channels: int) -> None:
        random = np.random.Generator(np.random.PCG64(7))

        def normal(*shape: int) -> Float:
            return random.standard_normal(shape, dtype=np.float32)

        channels, embed = spec.latent_channels, spec.embed_channels
        self._size = spec.width, spec.height
        self._large = np.zeros((spec.height, spec.width, 3), np.uint8)
        self._styled = np.zeros_like(self._large)
        self._small = spec.width // LATENT_SCALE, spec.height // LATENT_SCALE
        self._words = normal(_VOCABULARY, embed)
        self._by_prompt = normal(embed, 3) / np.float32(embed**0.5)
        self._by_time = normal(time_channels, 3) / np.float32(time_channels**0.5)
        # The first words say most; the start token says nothing.
        self._by_place = np.zeros(TOKENS, np.float32)
        self._by_place[1:] = np.float32(0.4) ** np.arange(TOKENS - 1, dtype=np.float32)
        self._per_noise = np.float32(1 / usual.sqrt_one_minus_alpha)
        self._per_tint = np.float32(usual.sqrt_alpha / usual.sqrt_one_minus_alpha)
        # Each channel holds one colour, in turn.
        self._to_latent = np.resize(np.eye(3, dtype=np.float32), (channels, 3)).T
        self._to_colour = np.linalg.pinv(self._to_latent).T.astype(np.float32)
        tones = np.arange(256) * _TONES // 256
        self._tones = (tones * 255 // (_TONES - 1)).astype(np.uint8)

    def text_encoder(self, input_ids: NDArray[np.int32]) -> Float:
        """(1, 77) to (1, 77, C)."""
        return self._words[input_ids % _VOCABULARY]

    def encode(self, image: Pixels) -> Float:
        """RGB (H, W, 3) to (1, L, H/8, W/8), colours as -1 to 1."""
        small = cv2.resize(image, self._small, interpolation=cv2.INTER_AREA)
        colours = small.reshape(-1, 3).astype(np.float32) * np.float32(1 / 127.5) - 1
        latent: Float = self._to_latent.T @ colours.T
        return latent.reshape(1, -1, *small.shape[:2])

    def unet(self, sample: Float, time_embedding: Float, prompt_embeds: Float) -> Float:
        """The noise: what differs from its surroundings, and the prompt's tint. Shapes as in
        `Networks.predict_noise`; a new array at every call, as from Core ML."""
        tint = np.tanh(self._by_place @ prompt_embeds[0] @ self._by_prompt) * _TINT
        drift = np.tanh(time_embedding[0] @ self._by_time) * _DRIFT
        noise = np.empty_like(sample)
        for plane, melted in zip(sample[0], noise[0], strict=True):
            cv2.blur(plane, _MELT, dst=melted)
        np.subtract(sample, noise, out=noise)
        noise *= self._per_noise
        noise += ((tint + drift) * self._per_tint @ self._to_latent)[:, None, None]
        return noise

    def decode(self, latent: Float) -> Pixels:
        """(1, L, H/8, W/8) to RGB (H, W, 3), valid until the next call."""
        width, height = self._small
        planes = np.nan_to_num(self._to_colour @ latent.reshape(-1, height * width))
        colours = np.clip(planes * np.float32(127.5) + np.float32(127.5), 0, 255).astype(np.uint8)
        small = np.ascontiguousarray(colours.T).reshape(height, width, 3)
        cv2.resize(small, self._size, dst=self._large, interpolation=cv2.INTER_LINEAR)
        cv2.LUT(self._large, self._tones, dst=self._styled)
        return self._styled

    def fused(
        self,
        image: Pixels,
        prompt_embeds: Float,
        noise: Float,
        previous_latent: Float,
        time_embedding: Float,
        feedback: Float,
        sqrt_alpha: Float,
        sqrt_one_minus_alpha: Float,
    ) -> tuple[Pixels, Float]:
        """The picture and the latent, by the equations of `sdcam.pipeline.denoise`."""
        encoded = self.encode(image)
        clean = (previous_latent - encoded) * feedback + encoded
        noisy = clean * sqrt_alpha + noise * sqrt_one_minus_alpha
        predicted = self.unet(noisy, time_embedding, prompt_embeds)
        latent = clean + (noise - predicted) * (sqrt_one_minus_alpha / sqrt_alpha)
        return self.decode(latent), latent
