"""A run in one small file, so that it can travel in the repository: averaged weights in fp16.

The file is safetensors; its metadata holds the step, the sizes and the tokenizer. The optimizer is
left out: after loading, the rates warm up again. About 7 MB.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from . import networks
from .stage import load, save

_TOKENIZER = ("vocab.json", "merges.txt", "tokenizer_config.json")


def export_checkpoint(run: Path, file: Path, name: str = "joint") -> int:
    """Writes a run's checkpoint `name` as a compact file; gives its step."""
    state = load(run / f"{name}.pt")
    tensors = {
        f"{module}.{key}": value.to(torch.float16 if value.is_floating_point() else value.dtype)
        for module, weights in state["averages"].items()
        for key, value in weights.items()
    }
    metadata = {
        "stage": name,
        "step": str(state["step"]),
        "seed": str(state["seed"]),
        "architecture": json.dumps(state["architecture"]),
        **{part: (run / "tokenizer" / part).read_text("utf-8") for part in _TOKENIZER},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.part")
    save_file({key: value.contiguous() for key, value in tensors.items()}, unfinished, metadata)
    unfinished.replace(file)
    return int(state["step"])


def import_checkpoint(file: Path, run: Path) -> int:
    """Makes a run's folder from a compact file, ready for `joint`; gives its step.

    Raises:
        FileExistsError: the run has a checkpoint already.
    """
    if (run / "joint.pt").exists():
        raise FileExistsError(f"{run} has a joint.pt already; take another folder with --run.")
    weights: dict[str, dict[str, torch.Tensor]] = {}
    with safe_open(file, "pt") as stored:
        metadata = stored.metadata()
        for key in stored.keys():  # noqa: SIM118 - not a mapping
            module, _, name = key.partition(".")
            value = stored.get_tensor(key)
            value = value.float() if value.is_floating_point() else value
            weights.setdefault(module, {})[name] = value
    folder = run / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    for part in _TOKENIZER:
        (folder / part).write_text(metadata[part], "utf-8")
    step, seed = int(metadata["step"]), int(metadata["seed"])
    common = {
        "seed": seed,
        "anneal_from": None,
        "architecture": json.loads(metadata["architecture"]),
        "optimizers": [],
    }
    networks.architecture_of(common)  # refuses what is no architecture
    save(
        {**common, "stage": "joint", "step": step, "averages": weights, "weights": weights},
        run / "joint.pt",
    )
    pooling = {
        name.partition(".")[2]: value
        for name, value in weights["unet"].items()
        if name.startswith("add_embedding.")
    }
    firsts = {
        "autoencoder": {"vae": weights["vae"]},
        "words": {"text_encoder": weights["text_encoder"], "add_embedding": pooling},
    }
    for stage, parts in firsts.items():  # what the joint stage starts from
        save(
            {**common, "stage": stage, "step": 10**9, "averages": parts, "weights": parts},
            run / f"{stage}.pt",
        )
    return step
