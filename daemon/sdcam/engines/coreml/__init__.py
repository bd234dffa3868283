"""The networks through Apple's Core ML: what was converted once, loaded as compiled programs."""

from sdcam.engines.coreml.open import open_coreml

__all__ = ["open_coreml"]
