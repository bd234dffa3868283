"""The textbook way to do it, to compare with: camera, inference and display as three threads of
one Python process, predicts and NumPy one after the other, frames inferred again when no new one
is there. `predict` holds Python's lock, so the threads take turns.
"""

from __future__ import annotations

import argparse
import json
import threading
import time

import cv2
import numpy as np
from PIL import Image

from sdcam.capture.test_pattern import TestPattern
from sdcam.engines.host_side import HostSide
from sdcam.engines.replay import profiles
from sdcam.engines.replay.stand_in import ReplayProgram
from sdcam.engines.replay.toy import ToyNetworks
from sdcam.models import find_model
from sdcam.models.registry import EMBEDDED
from sdcam.pipeline.denoise import fixed_noise

SIDE = 512


class Baseline:
    def __init__(self, profile: str, camera_fps: float, output_fps: float) -> None:
        self.styled = 0
        self.gaps: list[float] = []
        self.latencies: list[float] = []
        self._camera = TestPattern(1280, 720, camera_fps)
        self._period = 1 / output_fps
        self._running = True
        self._frame: tuple[float, np.ndarray] | None = None
        self._shown: tuple[float, np.ndarray] | None = None
        host = HostSide.of(find_model(EMBEDDED), (SIDE, SIDE), "baseline")
        self._level = host.schedule.single_level(0.5)
        tiny = ToyNetworks(host.spec, self._level, host.embed_time.channels)
        published = profiles()[profile]
        self._encode, self._unet, self._decode, text = (
            ReplayProgram(name, tiny, published.milliseconds(name))
            for name in ("encode", "unet", "decode", "text_encoder")
        )
        tokens = np.array(host.tokenize("oil painting"), np.int32)
        self._prompt = text.predict({"input_ids": tokens})["prompt_embeds"]
        self._time = host.embed_time(self._level.timestep).copy()
        self._noise = fixed_noise(42, host.spec.latent_shape)

    def run(self, seconds: float) -> None:
        threads = [threading.Thread(target=t) for t in (self._capture, self._infer, self._display)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self._running = False
        for thread in threads:
            thread.join()

    def _capture(self) -> None:
        while self._running:
            frame = np.empty((720, 1280, 3), np.uint8)
            self._camera.read(frame)
            self._frame = time.monotonic(), frame

    def _infer(self) -> None:
        previous = smooth = None
        while self._running:
            if self._frame is None:
                time.sleep(0.001)
                continue
            captured, frame = self._frame
            square = frame[:, 280:1000]
            rgb = cv2.cvtColor(cv2.resize(square, (SIDE, SIDE)), cv2.COLOR_BGR2RGB)
            encoded = self._encode.predict({"image": Image.fromarray(rgb)})["latent"]
            clean = encoded if previous is None else 0.9 * encoded + 0.1 * previous
            level = self._level
            noisy = level.sqrt_alpha * clean + level.sqrt_one_minus_alpha * self._noise
            inputs = {
                "sample": np.ascontiguousarray(noisy, np.float32),
                "time_embedding": self._time,
                "prompt_embeds": self._prompt,
            }
            eps = self._unet.predict(inputs)["noise"]
            latent = (noisy - level.sqrt_one_minus_alpha * eps) / level.sqrt_alpha
            previous = latent = np.ascontiguousarray(latent, np.float32)
            picture = np.asarray(self._decode.predict({"latent": latent})["styled"])[..., :3]
            floating = picture.astype(np.float32)
            smooth = floating if smooth is None else 0.4 * smooth + 0.6 * floating
            styled = np.clip(smooth, 0, 255).astype(np.uint8)
            self._shown = captured, cv2.cvtColor(styled, cv2.COLOR_RGB2BGR)
            self.styled += 1

    def _display(self) -> None:
        last, newest = None, 0.0
        tick = time.monotonic()
        while self._running:
            tick = max(tick + self._period, time.monotonic())
            time.sleep(max(0.0, tick - time.monotonic()))
            if self._shown is None:
                continue
            captured, styled = self._shown
            cv2.resize(styled, (1280, 720))
            now = time.monotonic()
            if last is not None:
                self.gaps.append((now - last) * 1e3)
            if captured != newest:
                self.latencies.append((now - captured) * 1e3)
            last, newest = now, captured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="m3-ultra")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--camera-fps", type=float, default=60.0)
    parser.add_argument("--output-fps", type=float, default=30.0)
    options = parser.parse_args()
    baseline = Baseline(options.profile, options.camera_fps, options.output_fps)
    baseline.run(options.seconds)
    gaps, latencies = np.array(baseline.gaps), np.array(baseline.latencies)
    print(
        json.dumps(
            {
                "fps": baseline.styled / options.seconds,
                "gap_p99": float(np.percentile(gaps, 99)),
                "gap_max": float(gaps.max()),
                "latency_p50": float(np.median(latencies)),
            }
        )
    )


if __name__ == "__main__":
    main()
