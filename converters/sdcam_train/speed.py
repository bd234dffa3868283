"""Frames a second of two models' networks, by turns, so that other load falls on both alike."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from sdcam.engines.openvino_cpu import OpenVINONetworks
from sdcam.models import ModelFolder

CASES = (("bf16", (512, 512)), ("f32", (448, 256)))
ROUNDS, FRAMES, THREADS = 10, 4, 2


def _frame_seconds(networks: OpenVINONetworks, picture: np.ndarray, text: np.ndarray) -> float:
    latent = networks.encode(picture)
    started = time.perf_counter()
    latent = networks.encode(picture)
    networks.predict_noise(latent, 499, text)
    networks.decode(latent, np.empty_like(picture))
    return time.perf_counter() - started


def compare(
    first: Path, second: Path, precision: str, size: tuple[int, int]
) -> tuple[float, float]:
    """The least seconds a frame of each model's encode, UNet and decode, size (width, height)."""
    pair = [
        OpenVINONetworks(ModelFolder.open(path), size, precision, THREADS)
        for path in (first, second)
    ]
    picture = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    texts = [networks.embed("oil painting").copy() for networks in pair]
    least = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for number, networks in enumerate(pair):
            for _ in range(FRAMES):
                seconds = _frame_seconds(networks, picture, texts[number])
                least[number] = min(least[number], seconds)
    for networks in pair:
        networks.close()
    return least[0], least[1]


def table(folder: Path, against: Path) -> str:
    """The speed gate (1.2, aim 1.7) for each precision and size, as plain text."""
    lines = []
    for precision, size in CASES:
        ours, theirs = compare(folder, against, precision, size)
        lines.append(
            f"frames a second, {size[0]}x{size[1]} {precision}: {1 / ours:.1f} against "
            f"{1 / theirs:.1f}, {theirs / ours:.2f} times (gate 1.2, aim 1.7)"
        )
    return "\n".join(lines)
