"""`sdcam doctor`: every known trouble by name, with its fix."""

from sdcam.doctor.check import Check, Finding, Group, Verdict
from sdcam.doctor.examination import examine, exit_code, pick
from sdcam.doctor.world import World

__all__ = ["Check", "Finding", "Group", "Verdict", "World", "examine", "exit_code", "pick"]
