"""Runs a saved Core ML package without a Mac: its operations, one by one, with torch.

program = Program.load(Path("fused.mlpackage"))
results = program.run({"image": picture, "noise": noise, ...})
"""

from sdcam_convert.mil.evaluator import Precision, Program
from sdcam_convert.mil.operation import ProgramState

__all__ = ["Precision", "Program", "ProgramState"]
