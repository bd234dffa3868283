"""Which look the model gets when it does not know a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdcam.pipeline.frame import Frame
from sdcam.pipeline.look import unknown_prompt
from sdcam.pipeline.networks import NetworksSpec
from sdcam.service.look_control import LookControl
from sdcam.settings.sources import ConfigSources
from sdcam.workers.records import CameraFrame, StyledFrame

SPEC = NetworksSpec("pocket", "test", 64, 64, 4, 8)


def settings(**look):
    return ConfigSources(Path("test"), "", {"look": look}).settings()


@pytest.fixture
def control():
    return LookControl(settings(prompt="words of their own"))


def styled(control, refused=False):
    frame = Frame(control.look, 0, prompt_refused=refused)
    return StyledFrame(0, SPEC, CameraFrame(0, 1, 0, 64, 64), frame)


def test_a_refused_prompt_gives_way_to_the_one_on_air(control):
    assert not control.styled(styled(control))
    control.configure(settings(prompt="penicl", strength=0.7))
    assert control.look.prompt == "penicl"
    assert control.styled(styled(control, refused=True))
    assert (control.look.prompt, control.look.strength) == ("words of their own", 0.7)
    assert 'pocket has no trained word in "penicl"' in str(control.notice)


def test_a_refused_prompt_stays_refused_while_other_settings_change(control):
    control.styled(styled(control))
    control.configure(settings(prompt="penicl"))
    control.styled(styled(control, refused=True))
    control.configure(settings(prompt="penicl", strength=0.9))
    assert (control.look.prompt, control.look.strength) == ("words of their own", 0.9)
    assert control.notice
    control.configure(settings(prompt="something else"))
    assert (control.look.prompt, control.notice) == ("something else", None)


def test_frames_of_a_prompt_that_is_no_longer_wanted_say_nothing(control):
    control.styled(styled(control))
    control.configure(settings(prompt="penicl"))
    late = styled(control, refused=True)
    control.configure(settings(prompt="something else"))
    assert not control.styled(late)
    assert (control.look.prompt, control.notice) == ("something else", None)


def test_another_model_is_asked_for_the_wanted_prompt_again(control):
    control.styled(styled(control))
    control.configure(settings(prompt="penicl"))
    control.styled(styled(control, refused=True))
    control.model_changed()
    assert (control.look.prompt, control.notice) == ("penicl", None)


def test_an_unknown_first_prompt_falls_back_to_a_style(control):
    fault = unknown_prompt("pocket", "words of their own")
    assert control.fall_back(fault)
    assert control.look.prompt == next(iter(settings().styles.values()))
    assert control.notice is fault
    assert not control.fall_back(fault)  # the style is unknown too: nothing is left


def test_next_counts_from_what_is_on_air(control):
    names = list(settings().styles)
    control.configure(settings(prompt=names[2]))
    control.styled(styled(control))
    assert control.neighbour(1) == names[3]
    control.configure(settings(prompt="penicl"))
    control.styled(styled(control, refused=True))
    assert control.neighbour(1) == names[3]
