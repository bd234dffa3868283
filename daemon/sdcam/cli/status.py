"""`sdcam status`: what the running service does."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration to read")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.control.address import socket_address
    from sdcam.control.client import ask

    status = ask(socket_address(arguments.config), "status")
    print(json.dumps(status, indent=2) if arguments.json else _text(status))


def _text(status: dict[str, Any]) -> str:
    fps, latency, frames = status["fps"], status["latency_ms"], status["frames"]
    memory = sum(p["memory_mb"] for p in status["processes"].values())
    card = f', showing the card "{status["card"]}"' if status["card"] else ""
    rows = [
        ("state", status["state"] + card),
        ("prompt", status["look"]["prompt"]),
        ("model", " on ".join(filter(None, (status["model"]["name"], status["model"]["runtime"])))),
        ("camera", status["source"]["name"]),
        ("output", ", ".join(status["outputs"])),
        ("fps", f"camera {fps['camera']}, model {fps['model']}, output {fps['output']}"),
        ("latency", f"p50 {latency['p50']} ms, p95 {latency['p95']} ms"),
        ("frames", ", ".join(f"{name} {count}" for name, count in frames.items())),
        ("memory", f"{memory:.0f} MB in {len(status['processes'])} processes"),
    ]
    rows += [(f"{part} fault", text) for part, text in status["faults"].items()]
    if status["last_fault"] and not status["faults"]:
        rows.append(("last fault", status["last_fault"]))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)
