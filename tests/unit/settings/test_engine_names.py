"""`model.engine` accepts the names and variants that the engines know."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sdcam.engines.openvino_cpu import _PRECISIONS
from sdcam.engines.plan import LAYOUTS
from sdcam.settings import ModelSettings
from sdcam.settings.keys import AUTO, ENGINES


@pytest.mark.parametrize(
    "words",
    [
        "auto",
        "coreml",
        "coreml:auto",
        "coreml:staged",
        "openvino:f32",
        "torch",
        "torch:cuda:1",
        "replay",
        "replay:m3-ultra",
        "replay:m3-ultra:staged",
    ],
)
def test_engine_names_are_accepted(words):
    assert ModelSettings(engine=words).engine == words


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ("openvno", "openvino"),
        ("coreml:fuse", "coreml:fused"),
        ("Torch", "torch"),
        ("torch:gpu", "torch:cpu"),
        ("replay:m3-ultra crash=unet@10", ""),
        ("abacus", ""),
        ("", ""),
    ],
)
def test_engine_typo_names_the_closest(words, near):
    with pytest.raises(ValidationError, match=r'"openvino:f32\|bf16\|f16"') as caught:
        ModelSettings(engine=words)
    assert (f'did you mean "{near}"?' in str(caught.value)) == bool(near)


def test_variants_match_the_engines():
    assert set(ENGINES["coreml"]) == {AUTO, *LAYOUTS}
    assert set(ENGINES["openvino"]) == {AUTO, *_PRECISIONS}
