"""Who watches the virtual camera is noticed, on the driver that is here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.usefixtures("devices")
def test_who_watches_is_noticed_in_time() -> None:
    script = Path(__file__).with_name("vm_audience.py")
    done = subprocess.run(
        [sys.executable, str(script)], check=False, capture_output=True, text=True
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
