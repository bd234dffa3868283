"""Core ML: a diffusers folder becomes a bundle of ML Programs (`convert.convert_coreml`).

    python -m sdcam_convert.coreml FOLDER --out BUNDLE

Runs on macOS and Linux alike: coremltools converts everywhere, it only predicts on a Mac.
"""
