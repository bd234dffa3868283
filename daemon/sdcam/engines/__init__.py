"""Who runs the networks: one protocol (`sdcam.pipeline.networks.Networks`), several runtimes."""

from sdcam.engines.open import open_engine

__all__ = ["open_engine"]
