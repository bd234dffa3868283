"""Who runs the networks: one protocol (`sdcam.pipeline.networks.Networks`), several runtimes."""

from sdcam.engines.single_process import open_engine

__all__ = ["open_engine"]
