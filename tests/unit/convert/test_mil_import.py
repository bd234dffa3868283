"""coremltools talks when it is imported: of versions that it was not tested with, of the Mac."""

from __future__ import annotations

import subprocess
import sys


def test_what_it_says_when_it_is_imported_is_kept_back_and_its_faults_are_not():
    script = "import logging, sdcam_convert.mil; logging.getLogger('coremltools').error('a fault')"
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert "a fault" in line
