"""Core ML without a Mac: the same processes and the same code, up to coremltools' model class.

In its place stands one that computes a tiny network, takes the time that was published for a Mac,
holds Python's lock all the while as Core ML does, and fails on request. For benchmarks, and for
who develops without a Mac.
"""

from sdcam.engines.replay.open import open_replay
from sdcam.engines.replay.spec import ReplaySpec, parse_replay

__all__ = ["ReplaySpec", "open_replay", "parse_replay"]
