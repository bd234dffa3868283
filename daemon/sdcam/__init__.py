"""StreamDiffusion Cam: the physical camera in, a restyled virtual camera out."""

__version__ = "0.1.0"
