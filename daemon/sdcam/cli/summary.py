"""The table at the end of a run."""

from __future__ import annotations

from typing import Any


def table(summary: dict[str, Any]) -> str:
    """`summary` as `Daemon.run` returns it, as lines for people."""
    frames, fps = summary["frames"], summary["fps_average"]
    latency, gap, stages = summary["latency_ms"], summary["gap_ms"], summary["stages_ms"]
    model = summary["model"]
    first = summary["first_picture_after_seconds"]
    rows = [
        ("model", f"{model['name']} on {model['runtime']}, {model['size']}"),
        ("first styled frame", f"after {first:.2f} s" if first else "never"),
        ("captured", f"{frames['captured']:6d} frames   {fps['camera']:5.1f} fps"),
        ("styled", f"{frames['styled']:6d} frames   {fps['model']:5.1f} fps"),
        ("sent", f"{frames['sent']:6d} frames   {fps['output']:5.1f} fps"),
        ("skipped", f"{frames['skipped']:6d} frames   (the model was busy)"),
    ]
    if frames["reused"]:
        rows.append(("reused", f"{frames['reused']:6d} frames   (nothing had changed)"))
    if frames["dropped"]:
        rows.append(("dropped", f"{frames['dropped']:6d} frames   (a process ended over them)"))
    if frames["late"]:
        rows.append(("late", f"{frames['late']:6d} frames   (the output missed its time)"))
    rows += [
        ("latency", "   ".join(f"{k} {latency[k]:5.1f} ms" for k in ("p50", "p95", "p99"))),
        ("output gap", "   ".join(f"{k} {gap[k]:5.1f} ms" for k in ("p50", "p99", "max"))),
        ("stages", "   ".join(f"{name} {ms:.1f}" for name, ms in stages.items()) + "   ms"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows)
