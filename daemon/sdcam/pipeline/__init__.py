"""The maths of one-step img2img: pure, no devices, no model runtimes."""
