"""The words of the replay engine, and its profiles."""

from __future__ import annotations

import pytest

from sdcam.engines.replay import parse_replay
from sdcam.engines.replay.profile import profiles
from sdcam.engines.replay.spec import Fault
from sdcam.errors import UsageError


@pytest.mark.parametrize("words", ["replay", "replay:", "replay:m3-ultra", "m3-ultra", ""])
def test_the_usual_profile_needs_no_words(words):
    spec = parse_replay(words)
    assert (spec.profile.name, spec.layout, spec.faults) == ("m3-ultra", None, ())


def test_all_words():
    spec = parse_replay("replay:m4-max:staged crash=unet@60  hang=decode@90 slow=encode@30x2.5")
    assert (spec.profile.name, spec.layout) == ("m4-max", "staged")
    assert spec.faults == (
        Fault("crash", "unet", 60),
        Fault("hang", "decode", 90),
        Fault("slow", "encode", 30, 2.5),
    )
    assert spec.faults_of("encode") == (Fault("slow", "encode", 30, 2.5),)
    assert parse_replay("replay:m3-ultra:fused garbage=fused@1").layout == "fused"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("replay:m9", r'no profile "m9".*m3-ultra, m3-ultra-sd-turbo, m4-max'),
        ("replay:m3-ultra:both", r"no way to replay.*:fused"),
        ("replay:m3-ultra:fused:2", "no way to replay"),
        ("replay crash=unet", r'"crash=unet" is no fault'),
        ("replay crash=unet@0", "no fault"),
        ("replay crash=unet@3x2", "no fault"),
        ("replay slow=unet@3", r"slow=PROGRAM@NxFACTOR"),
        ("replay burn=unet@3", "no fault"),
        ("replay crash=vae@3", r'staged has no program "vae".*encode, unet, decode'),
        ("replay crash=fused@3", r'staged has no program "fused"'),
        ("replay:m3-ultra:fused crash=unet@3", r'fused has no program "unet".*fused'),
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
