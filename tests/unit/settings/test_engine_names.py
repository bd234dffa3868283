"""`model.engine`: what the engines know, and no typo."""

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
        "replay:m3-ultra:staged hang=decode@90 slow=encode@30x5",
    ],
)
def test_what_an_engine_takes_is_right(words):
    assert ModelSettings(engine=words).engine == words


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ("openvno", "openvino"),
        ("coreml:fuse", "coreml:fused"),
        ("Torch", "torch"),
        ("torch:gpu", "torch:cpu"),
        ("abacus", ""),
        ("", ""),
    ],
)
def test_a_typo_says_what_was_expected(words, near):
    with pytest.raises(ValidationError, match=r'"openvino:f32\|bf16\|f16"') as caught:
        ModelSettings(engine=words)
    assert (f'did you mean "{near}"?' in str(caught.value)) == bool(near)


def test_the_variants_are_those_of_the_engines():
    assert set(ENGINES["coreml"]) == {AUTO, *LAYOUTS}
    assert set(ENGINES["openvino"]) == {AUTO, *_PRECISIONS}
