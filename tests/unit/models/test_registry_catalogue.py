"""The catalogue is fit to be pulled from: pinned, licensed, explained."""

from __future__ import annotations

import re

import pytest

from sdcam.models.catalogue import CATALOGUE, TAESD, TERMS, known
from sdcam.models.registry import EMBEDDED, PREFERRED, is_name, local_name

MODELS = [*CATALOGUE, TAESD]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_has_a_licence_that_is_explained(model):
    assert model.licence in TERMS and model.about
    assert is_name(model.name) and is_name(model.hub)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_pinned_to_a_commit(model):
    assert re.fullmatch(r"[0-9a-f]{40}", model.revision)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_what_cannot_be_pulled_as_it_is_tells_the_command_that_can(model):
    assert (f"sdcam models pull {model.name} --" in model.obstacle) == (model.size == 0)


def test_names_are_unique_and_what_auto_prefers_can_be_had():
    names = [model.name for model in CATALOGUE]
    assert len(set(names)) == len(names)
    assert PREFERRED in names and EMBEDDED not in names


def test_a_model_is_known_by_its_name_and_by_its_hub_id_in_any_case():
    assert known("sd-turbo") is known("stabilityai/sd-turbo") is known("StabilityAI/SD-Turbo")
    assert known("somebody/sd-turbo") is None


def test_a_hub_id_outside_of_the_catalogue_keeps_its_owner():
    assert local_name("stabilityai/sd-turbo") == "sd-turbo"
    assert local_name("somebody/sd-turbo") == "somebody--sd-turbo"


@pytest.mark.parametrize("word", ["", "..", "a/b/c", "/etc", "../a", "a/..", "-x/..", "a b", "~"])
def test_what_could_lead_elsewhere_is_no_name(word):
    assert not is_name(word)
