"""The words: the gallery as the configuration has it, enough phrasings, and none of the unseen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tomlkit

pytest.importorskip("skimage")
from sdcam_train.dataset import PHOTO, STYLES
from sdcam_train.lights import LIGHTS
from sdcam_train.prompts import (
    GALLERY,
    LIGHT_PHRASINGS,
    PHRASINGS,
    UNSEEN,
    UNSEEN_LIGHT,
    training_prompt,
)

STYLES_FILE = Path(__file__).parents[3] / "config" / "styles.toml"


def test_the_gallery_is_the_one_of_the_configuration_word_for_word() -> None:
    table = tomlkit.parse(STYLES_FILE.read_text("utf-8"))["styles"].unwrap()
    assert table == GALLERY
    assert tuple(GALLERY) == STYLES


@pytest.mark.parametrize("style", [*STYLES, PHOTO])
def test_every_style_has_at_least_twenty_phrasings(style: str) -> None:
    assert len(set(PHRASINGS[style])) >= 20


def test_no_phrasing_belongs_to_two_styles() -> None:
    phrases = [phrase for phrases in PHRASINGS.values() for phrase in phrases]
    assert len(phrases) == len(set(phrases))


def test_fifty_phrasings_stay_unseen() -> None:
    unseen = {phrase for phrases in UNSEEN.values() for phrase in phrases}
    assert len(unseen) == 50
    assert not unseen & {phrase for phrases in PHRASINGS.values() for phrase in phrases}
    random = np.random.default_rng(0)
    drawn = {training_prompt(style, random) for style in STYLES for _ in range(500)}
    assert not unseen & drawn


def test_the_gallery_prompts_are_trained_on() -> None:
    random = np.random.default_rng(0)
    for style, prompt in GALLERY.items():
        assert prompt in {training_prompt(style, random) for _ in range(100)}


def test_at_least_twelve_words_of_light_have_several_phrasings_each() -> None:
    assert len(LIGHTS) >= 12
    assert set(LIGHT_PHRASINGS) == set(UNSEEN_LIGHT) == set(LIGHTS)
    assert all(len(set(phrases)) >= 8 for phrases in LIGHT_PHRASINGS.values())
    tables = (LIGHT_PHRASINGS, UNSEEN_LIGHT, PHRASINGS)
    phrases = [phrase for table in tables for entries in table.values() for phrase in entries]
    assert len(phrases) == len(set(phrases))


def test_a_light_is_named_with_every_style() -> None:
    random = np.random.default_rng(0)
    for style in (*STYLES, PHOTO):
        for light, phrases in LIGHT_PHRASINGS.items():
            prompt = training_prompt(style, random, light)
            assert any(phrase in prompt for phrase in phrases), prompt


def test_every_light_changes_a_picture_and_differs_from_every_other() -> None:
    picture = np.random.default_rng(0).random((64, 64, 3), np.float32)
    lit = {name: np.clip(light(picture), 0, 1) for name, light in LIGHTS.items()}
    for name, first in {"": picture, **lit}.items():
        others = [second for other, second in lit.items() if other != name]
        assert min(float(np.abs(first - second).mean()) for second in others) > 0.04, name
