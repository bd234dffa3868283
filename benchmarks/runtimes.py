"""Which runtime runs the networks fastest on this machine's CPU.

    python -m benchmarks runtimes [--model NAME] [--size 512 --size 640x384] [--threads N]

Every runtime has a process of its own that stays loaded; they take turns, a few frames each, so
that whatever else the machine does falls on all of them alike. Needs the extras [torch] and
onnxruntime; what is not installed is left out and named.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np
import psutil

from sdcam.arrays import Float, Pixels
from sdcam.engines.host_side import HostSide
from sdcam.errors import SdcamError
from sdcam.models import ModelFolder, find_model
from sdcam.pipeline.networks import Networks
from sdcam.settings.keys import parse_render_size

STAGES = ("encode", "unet", "decode")
FRAMES = 4  # a turn
REST = 0.3  # seconds between turns, in which the last one's threads stop spinning


def openvino_bf16(model: ModelFolder, size: tuple[int, int], threads: int) -> Networks:
    from sdcam.engines.openvino_cpu import OpenVINONetworks

    return OpenVINONetworks(model, size, "bf16", threads)


def openvino_f32(model: ModelFolder, size: tuple[int, int], threads: int) -> Networks:
    from sdcam.engines.openvino_cpu import OpenVINONetworks

    return OpenVINONetworks(model, size, "f32", threads)


def onnxruntime_f32(model: ModelFolder, size: tuple[int, int], threads: int) -> Networks:
    return OnnxRuntimeNetworks(model, size, threads)


def torch_bf16(model: ModelFolder, size: tuple[int, int], threads: int) -> Networks:
    import torch

    from sdcam.engines.torch_device import TorchNetworks

    return TorchNetworks(model, size, "cpu", threads, torch.bfloat16)


def torch_f32(model: ModelFolder, size: tuple[int, int], threads: int) -> Networks:
    import torch

    from sdcam.engines.torch_device import TorchNetworks

    return TorchNetworks(model, size, "cpu", threads, torch.float32)


RUNTIMES: dict[str, Callable[[ModelFolder, tuple[int, int], int], Networks]] = {
    "OpenVINO bf16": openvino_bf16,
    "OpenVINO f32": openvino_f32,
    "ONNX Runtime f32": onnxruntime_f32,
    "torch bf16, channels last": torch_bf16,
    "torch f32, channels last": torch_f32,
}


class OnnxRuntimeNetworks:
    """The same graphs through ONNX Runtime: here to be compared, not an engine of the daemon."""

    def __init__(self, model: ModelFolder, size: tuple[int, int], threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._sessions = {
            name: onnxruntime.InferenceSession(
                model.graph(name), options, providers=["CPUExecutionProvider"]
            )
            for name in ("text_encoder", *STAGES)
        }
        self._host = HostSide.of(model, size, f"onnxruntime {onnxruntime.__version__}")
        self.spec, self.schedule = self._host.spec, self._host.schedule

    def embed(self, prompt: str) -> Float:
        return self._run("text_encoder", input_ids=self._host.tokenize(prompt))

    def encode(self, image: Pixels) -> Float:
        return self._run("encode", image=image[None])

    def predict_noise(self, latent: Float, timestep: int, prompt_embeds: Float) -> Float:
        time_embedding = self._host.embed_time(timestep)
        return self._run(
            "unet", sample=latent, time_embedding=time_embedding, prompt_embeds=prompt_embeds
        )

    def decode(self, latent: Float, out: Pixels) -> None:
        np.copyto(out, self._run("decode", latent=latent)[0])

    def close(self) -> None:
        self._sessions.clear()

    def _run(self, stage: str, **inputs: np.ndarray) -> np.ndarray:
        (result,) = self._sessions[stage].run(None, inputs)
        array: np.ndarray = result
        return array


@dataclass
class Competitor:
    """A runtime in its own process, and what it took so far."""

    name: str
    pipe: Connection
    process: multiprocessing.process.BaseProcess
    opened: float = 0.0  # seconds
    resident: float = 0.0  # MB
    milliseconds: list[dict[str, float]] = field(default_factory=list)

    def turn(self) -> None:
        self.pipe.send(FRAMES)
        self.milliseconds += self.pipe.recv()

    def median(self, stage: str) -> float:
        return float(np.median([frame[stage] for frame in self.milliseconds]))

    def frame(self) -> float:
        return float(np.median([sum(frame.values()) for frame in self.milliseconds]))


def compare(model: str, size: tuple[int, int], threads: int, rounds: int) -> list[Competitor]:
    competitors = [one for name in RUNTIMES if (one := _start(name, model, size, threads))]
    for _ in range(rounds):
        for competitor in competitors:
            competitor.turn()
            time.sleep(REST)
    for competitor in competitors:
        competitor.pipe.send(0)
        competitor.process.join()
    return competitors


def _start(name: str, model: str, size: tuple[int, int], threads: int) -> Competitor | None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_compete, args=(theirs, name, model, size, threads), daemon=True
    )
    process.start()
    answer = ours.recv()
    if isinstance(answer, str):
        print(f"{name}: left out, {answer}")
        return None
    return Competitor(name, ours, process, *answer)


def _compete(pipe: Connection, name: str, model: str, size: tuple[int, int], threads: int) -> None:
    try:
        start = time.perf_counter()
        networks = RUNTIMES[name](find_model(model), size, threads)
        run = _frame_of(networks)
        run()
        opened = time.perf_counter() - start
    except (ImportError, SdcamError) as fault:
        pipe.send(str(fault))
        return
    pipe.send((opened, psutil.Process().memory_info().rss / 1e6))
    while frames := pipe.recv():
        pipe.send([run() for _ in range(frames)])


def _frame_of(networks: Networks) -> Callable[[], dict[str, float]]:
    random = np.random.default_rng(0)
    shape = (networks.spec.height, networks.spec.width, 3)
    image = random.integers(0, 256, shape, dtype=np.uint8)
    styled = np.empty_like(image)
    noise = random.standard_normal(networks.spec.latent_shape, dtype=np.float32)
    embeds = networks.embed("an oil painting").copy()

    def run() -> dict[str, float]:
        clock = [time.perf_counter()]
        networks.encode(image)
        clock.append(time.perf_counter())
        latent = networks.predict_noise(noise, 499, embeds)
        clock.append(time.perf_counter())
        networks.decode(latent, styled)
        clock.append(time.perf_counter())
        return dict(zip(STAGES, np.diff(clock) * 1e3, strict=True))

    return run


def table(competitors: list[Competitor]) -> str:
    lines = [
        "| runtime | encode | UNet | decode | frame (ms) | fps | load (s) | memory (MB) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in sorted(competitors, key=Competitor.frame):
        stages = " | ".join(f"{one.median(stage):.1f}" for stage in STAGES)
        frame = one.frame()
        lines.append(
            f"| {one.name} | {stages} | {frame:.1f} | {1000 / frame:.1f} "
            f"| {one.opened:.1f} | {one.resident:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--size", action="append", help="512 and 256 unless given")
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False))
    parser.add_argument("--rounds", type=int, default=6)
    chosen = parser.parse_args()
    for size in chosen.size or ("512", "256"):
        competitors = compare(chosen.model, parse_render_size(size), chosen.threads, chosen.rounds)
        print(
            f"\n{chosen.model}, {size}, {chosen.threads} threads, medians of "
            f"{chosen.rounds * FRAMES} frames\n\n{table(competitors)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
