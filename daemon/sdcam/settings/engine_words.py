"""What `model.engine` may be: an engine, and after a colon which variant of it.

Whether it can run here (a GPU, a Mac, a converted model) is for the engines to tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

AUTO: Final = "auto"

# Every engine leaves the choice open by its bare word, and by "auto".
VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "coreml": (AUTO, "fused", "staged"),
    "openvino": (AUTO, "f32", "bf16", "f16"),
    "torch": (AUTO, "cpu", "mps", "cuda", "cuda:[0-9]+"),
    "replay": ("[^: ]*", "[^: ]*:(?:fused|staged)"),  # the engine knows its profiles
}
# Engines that a test or a benchmark has registered; they check their own variants.
REGISTERED: Final[set[str]] = set()

# As JSON Schema has it, for editors: no Python in it.
PATTERN: Final = (
    f"^(?:{AUTO}|"
    + "|".join(f"{engine}(?::(?:{'|'.join(words)}))?" for engine, words in VARIANTS.items())
    + ")$"
)

_KNOWN = (
    AUTO,
    *(
        word
        for engine, words in VARIANTS.items()
        for word in (engine, *(f"{engine}:{variant}" for variant in words if variant.isalnum()))
    ),
)


def checked(value: str) -> str:
    """The value as it is.

    Raises:
        ValueError: no engine is called so; says what was expected.
    """
    if re.fullmatch(PATTERN, value) or re.split("[: ]", value)[0] in REGISTERED:
        return value
    near = get_close_matches(value, _KNOWN, n=1)
    raise ValueError(
        '"auto", "coreml", "coreml:fused|staged", "openvino", "openvino:f32|bf16|f16", "torch", '
        '"torch:cuda|mps|cpu" or "replay:PROFILE" is expected'
        + (f'; did you mean "{near[0]}"?' if near else "")
    )
