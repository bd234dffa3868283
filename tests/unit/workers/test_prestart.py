"""The model process that starts before the daemon's own imports."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "cv2", "pydantic", "openvino", "sdcam.settings", "sdcam.service")


def test_starting_the_model_process_early_imports_nothing_heavy():
    script = (
        "import sys; from sdcam.workers.prestart import prestart_model\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
