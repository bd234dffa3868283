"""python -m benchmarks NAME [OPTIONS]"""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = {
    "runtimes": "OpenVINO, ONNX Runtime and torch on the embedded model, stage by stage",
    "replay": "the service at the pace of a Mac's Core ML, against the textbook way",
    "host": "the work per frame outside the networks",
    "output": "what composing, pacing and sending cost, of a core and in latency",
    "pace": "the output's pace while the model runs flat out",
    "start": "from `sdcam run` to the first styled frame",
    "prompt": "from `sdcam prompt` to the first changed frame",
    "soak": "an hour at full speed: memory, descriptors and processes of every part",
    "lifecycle": "pauses, edits, kills and restarts at random: nothing leaks, counters agree",
    "idle": "what the service costs without a viewer, and how soon a viewer is served",
    "faults": "faults of every kind, and how long the service takes to get over each",
    "memory": "resident memory of all processes over time",
}


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in NAMES:
        print("python -m benchmarks NAME [OPTIONS]\n")
        for known, text in NAMES.items():
            print(f"  {known:10} {text}")
        return 0 if not name else 2
    sys.argv = [f"benchmarks {name}", *sys.argv[2:]]
    return int(import_module(f"benchmarks.{name}").main() or 0)


if __name__ == "__main__":
    raise SystemExit(main())
