"""The networks through torch: CUDA, Apple's Metal or the CPU, from the safetensors files alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sdcam.arrays import Float, Pixels
from sdcam.engines.host_side import HostSide
from sdcam.engines.torch_modules import load_modules
from sdcam.errors import MissingError, UsageError
from sdcam.models import ModelFolder

Array = NDArray[Any]


class TorchNetworks:
    """
    Args:
        model: any diffusers folder of the family.
        size: (width, height) in pixels.
        device: "cuda", "mps", "cpu", or "auto": the first of these that the machine has.
        threads: of the CPU; None: torch decides.
        dtype: that the networks compute in; None: the fastest for the device.

    Arrays are as in `Networks`: float32 and uint8, whatever `dtype`.

    Raises:
        UsageError: torch has no such device.
        MissingError: this machine has none, or the weights are not those of the configuration.
    """

    def __init__(
        self,
        model: ModelFolder,
        size: tuple[int, int],
        device: str = "auto",
        threads: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._device = torch.device(_device(device))
        dtype = dtype or _fastest_dtype(self._device)
        runtime = f"torch {torch.__version__} {self._device.type} {_short(dtype)}"
        self._host = HostSide.of(model, size, runtime)
        self.spec, self.schedule = self._host.spec, self._host.schedule
        self._modules = {
            name: module.to(self._device, dtype, memory_format=torch.channels_last)
            for name, module in load_modules(model).items()
        }
        self._results: dict[str, torch.Tensor] = {}
        self._warm_up()

    def embed(self, prompt: str) -> Float:
        return self._run("text_encoder", self._host.tokenize(prompt))

    def encode(self, image: Pixels) -> Float:
        return self._run("encode", image[None])

    def predict_noise(self, latent: Float, timestep: int, prompt_embeds: Float) -> Float:
        return self._run("unet", latent, self._host.embed_time(timestep), prompt_embeds)

    def decode(self, latent: Float, out: Pixels) -> None:
        np.copyto(out, self._run("decode", latent)[0])

    def close(self) -> None:
        self._modules.clear()
        self._results.clear()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _run(self, name: str, *inputs: Array) -> Array:
        with torch.inference_mode():
            tensors = [torch.from_numpy(array).to(self._device) for array in inputs]
            result = self._modules[name](*tensors)
            kept = self._results.get(name)
            if kept is None:
                kept = torch.empty(result.shape, dtype=result.dtype)
                self._results[name] = kept
            kept.copy_(result)
        array: Array = kept.numpy()
        return array

    def _warm_up(self) -> None:
        """The first run of each network chooses kernels and allocates."""
        picture = self._host.picture()
        latent = self.encode(picture[0]).copy()
        self.predict_noise(latent, 1, self.embed(""))
        self.decode(latent, picture[0])


def _device(wanted: str) -> str:
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if wanted.partition(":")[0] not in there:
        raise UsageError(
            f'torch has no device "{wanted}" that this program can use.',
            'Set model.engine to "torch", "torch:cuda", "torch:mps" or "torch:cpu".',
        )
    if not there[wanted.partition(":")[0]]:
        raise MissingError(
            f'torch finds no "{wanted}" device on this machine.',
            'Set model.engine to "torch" for the best device of this machine.',
        )
    return wanted


def _fastest_dtype(device: torch.device) -> torch.dtype:
    """Half precision where the hardware has it: bf16 or fp16 on a GPU, bf16 on a CPU."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "mps":
        return torch.float16
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if has_bf16 else torch.float32


def _short(dtype: torch.dtype) -> str:
    names = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
    return names[dtype]
