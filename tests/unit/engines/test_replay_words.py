"""The words of the replay engine, and its profiles."""

from __future__ import annotations

import pytest

from sdcam.engines.choice import ways_to_run
from sdcam.engines.plan import ModelSpec
from sdcam.engines.replay import parse_replay, profiles
from sdcam.errors import UsageError


@pytest.mark.parametrize("words", ["replay", "replay:", "replay:m3-ultra", "m3-ultra", ""])
def test_the_default_profile_needs_no_words(words):
    spec = parse_replay(words)
    assert (spec.profile.name, spec.layout) == ("m3-ultra", None)


def test_profile_and_layout():
    spec = parse_replay("replay:m4-max:fused")
    assert (spec.profile.name, spec.layout) == ("m4-max", "fused")


def test_without_a_layout_both_are_ways_to_run():
    plans = ways_to_run(ModelSpec("pocket", "replay:m4"))
    assert [plan.engine for plan in plans] == ["replay:m4:staged", "replay:m4:fused"]
    assert [plan.engine for plan in ways_to_run(ModelSpec("pocket", "replay:m4:fused"))] == [
        "replay:m4:fused"
    ]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("replay:m9", r'no profile "m9".*m3-ultra, m3-ultra-sd-turbo, m4-max'),
        ("replay:m3-ultra:both", r"not understand.*:fused"),
        ("replay:m3-ultra:fused:2", "not understand"),
        ("replay:m3-ultra crash=unet@3", "no profile"),
    ],
)
def test_other_words_are_refused_with_the_right_ones(words, what):
    with pytest.raises(UsageError, match=what):
        parse_replay(words)


def test_published_times_are_as_published():
    known = profiles()
    ultra, turbo, m4 = (known[name] for name in ("m3-ultra", "m3-ultra-sd-turbo", "m4-max"))
    assert (ultra.encode, ultra.unet, ultra.decode) == (5.0, 24.4, 5.0)
    assert ultra.fused == pytest.approx(34.4)
    assert (turbo.encode, turbo.unet, turbo.decode) == (6.5, 53.2, 6.5)
    whole_frame = 44.1 * m4.unet / ultra.unet
    assert 1000 / whole_frame == pytest.approx(15.4, abs=0.05)


def test_every_profile_says_where_it_comes_from():
    for profile in profiles().values():
        assert profile.about.startswith("Apple")
        assert ("Estimated by" in profile.source) == profile.estimate
        assert "arXiv" in profile.source or profile.estimate
