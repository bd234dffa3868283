"""What is timed. `python -m benchmarks` lists them; every figure in the docs names its command."""
