"""What Core ML says of a fault, in one line."""

from __future__ import annotations

import re

_LONGEST = 200  # characters
_DESCRIPTION = re.compile(r'NSLocalizedDescription\s*=\s*"?(.+?)"?;?\s*$', re.MULTILINE)


def reason(fault: Exception) -> str:
    """coremltools raises Core ML's dictionary of an error as it prints it, in several lines."""
    text = str(fault).strip()
    if described := _DESCRIPTION.search(text):
        text = described[1]
    line = next((line.strip() for line in text.splitlines() if line.strip(" {}();")), "")
    return line[:_LONGEST] or type(fault).__name__
