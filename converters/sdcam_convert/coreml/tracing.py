"""Everything that is done to diffusers' and transformers' modules so that they trace well.

What must not happen: anything of the timestep is baked in or computed in the graph (half precision
is 7 % off in the sinusoid of t = 999; `UNet` of sdcam.engines.torch_modules takes the finished
vector), and attention in three dimensions (coremltools#2650: wrong results on the GPU).
"""

# mypy: disable-error-code="misc"
from __future__ import annotations

import math
import warnings
from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.embeddings import AttentionPooling
from torch import nn
from transformers.models.clip.modeling_clip import CLIPAttention

from sdcam_convert.coreml import options as choice

_FORBIDDEN = -1e4  # in a mask of attention


def trace(module: nn.Module, examples: tuple[torch.Tensor, ...]) -> torch.jit.ScriptModule:
    with torch.no_grad(), warnings.catch_warnings():
        # Branches on shapes are baked in, which the tracer warns about and we want: shapes are
        # fixed. Tracing again to compare (check_trace) would double the time and the memory.
        warnings.simplefilter("ignore")
        return torch.jit.trace(module.eval(), examples, check_trace=False)


def ready_unet(unet: nn.Module, attention: choice.Attention) -> nn.Module:
    """Chooses the attention and keeps it in four dimensions. Changes the module."""
    processor = SplitEinsum() if attention == "split-einsum" else AttnProcessor2_0()
    unet.unet.set_attn_processor(processor)
    for part in unet.modules():
        if isinstance(part, AttentionPooling):
            # diffusers folds the heads into the batch: three dimensions.
            part.forward = Pooling(part).forward
        elif isinstance(part, nn.GroupNorm):
            part.forward = GroupNorm(part).forward
    return unet


def ready_text_encoder(stage: nn.Module) -> nn.Module:
    """The plain attention, whose causal mask becomes a constant of the program: transformers would
    choose by what it runs on. Changes the module."""
    stage.text_encoder.set_attn_implementation("eager")
    for part in stage.modules():
        if isinstance(part, CLIPAttention):
            part.register_forward_pre_hook(_finite_mask, with_kwargs=True)
    return stage


def _finite_mask(
    module: nn.Module, positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The mask forbids with float32's least number, which in half precision is minus infinity: what
    a backend makes of that is its own affair. e to the -10,000 is 0 as well."""
    return positional, {
        name: value.clamp(min=_FORBIDDEN)
        if isinstance(value, torch.Tensor) and value.ndim == 4
        else value
        for name, value in named.items()
    }


class SplitEinsum:
    """Attention as Apple's Neural Engine likes it: channels second, a matrix product for each head
    (machinelearning.apple.com/research/neural-engine-transformers). Tensors are (1, C, 1, S)."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
    ) -> torch.Tensor:
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        queries = _heads(attn.to_q(hidden_states), attn.heads)
        keys = _heads(attn.to_k(source), attn.heads)
        values = _heads(attn.to_v(source), attn.heads)
        results = []
        for query, key, value in zip(queries, keys, values, strict=True):
            weights = torch.einsum("bchq,bkhc->bkhq", query, key.transpose(1, 3)) * attn.scale
            results.append(torch.einsum("bkhq,bchk->bchq", weights.softmax(dim=1), value))
        merged = torch.cat(results, dim=1).squeeze(2).transpose(1, 2)
        merged = attn.to_out[1](attn.to_out[0](merged))
        return merged / attn.rescale_output_factor


def _heads(x: torch.Tensor, heads: int) -> tuple[torch.Tensor, ...]:
    """(1, S, C) to one (1, C / heads, 1, S) for each head."""
    split: tuple[torch.Tensor, ...] = x.transpose(1, 2).unsqueeze(2).chunk(heads, dim=1)
    return split


class GroupNorm:
    """torch's GroupNorm, shrunk before it squares: half precision ends at 65,504, which a square
    passes from 256 on, and a trained UNet's activations do (those of `pocket` reach 560)."""

    _SHRINK = 1 / 8

    def __init__(self, norm: nn.GroupNorm) -> None:
        self._norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, C, ...) to the same shape."""
        norm, shape = self._norm, x.shape
        # Four dimensions, as everywhere else; how a group is cut into rows does not matter.
        groups = x.reshape(1, norm.num_groups, shape[1] // norm.num_groups, -1)
        centred = (groups - groups.mean((2, 3), keepdim=True)) * self._SHRINK
        variance = (centred * centred).mean((2, 3), keepdim=True)
        normed = centred / torch.sqrt(variance + norm.eps * self._SHRINK**2)
        channels = (1, shape[1], *(1,) * (len(shape) - 2))
        return normed.reshape(shape) * norm.weight.reshape(channels) + norm.bias.reshape(channels)


class Pooling:
    """diffusers' AttentionPooling with the heads in a dimension of their own."""

    def __init__(self, pooling: AttentionPooling) -> None:
        self._pooling = pooling

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, S, C) to (1, C)."""
        p = self._pooling
        token = x.mean(dim=1, keepdim=True) + p.positional_embedding
        x = torch.cat([token, x], dim=1)
        query = self._heads(p.q_proj(token)) / math.sqrt(p.dim_per_head)
        weights = (query @ self._heads(p.k_proj(x)).transpose(2, 3)).softmax(dim=-1)
        return (weights @ self._heads(p.v_proj(x))).reshape(1, -1)

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        """(1, S, C) to (1, heads, S, C / heads)."""
        p = self._pooling
        return x.reshape(1, x.shape[1], p.num_heads, p.dim_per_head).transpose(1, 2)
