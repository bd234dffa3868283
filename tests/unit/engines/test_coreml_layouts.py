"""Which way to run a bundle: what is left open is measured once and remembered with the bundle."""

from __future__ import annotations

import json

import pytest

from sdcam.engines.choice import plan_engine, remember, ways_to_run
from sdcam.engines.coreml import layouts
from sdcam.engines.coreml.system import System
from sdcam.engines.plan import LAYOUTS, ModelSpec
from sdcam.errors import MissingError, UsageError

MAC = System((15, 1), "24B83", "9.0")
NE, GPU = "cpu-and-ne", "cpu-and-gpu"


@pytest.fixture
def mac(monkeypatch):
    monkeypatch.setattr(layouts, "find_system", lambda: MAC)
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    return monkeypatch


@pytest.fixture
def measured():
    """A measurement in which the GPU alone is fastest; keeps what it was asked."""
    asked = []

    def measure(plans):
        asked.append([plan.label for plan in plans])
        return {plan.label: 30.0 + (GPU in plan.units.values()) for plan in plans}

    measure.asked = asked
    return measure


def test_what_is_open_is_measured_once_and_the_fastest_is_remembered(mac, bundle, measured):
    spec = ModelSpec(str(bundle.path), "coreml")
    first = plan_engine(spec, measured)
    again = plan_engine(spec, measured)
    assert first == again
    assert first.engine == "coreml:staged"
    assert first.processes == LAYOUTS["staged"]
    assert first.units == {"encode": GPU, "decode": GPU}
    assert measured.asked == [
        [
            f"coreml:staged, encode {NE}, decode {NE}",
            f"coreml:staged, encode {GPU}, decode {GPU}",
            "coreml:fused",
        ]
    ]


def test_auto_is_core_ml_on_a_mac_for_a_model_that_is_converted(mac, bundle, measured):
    assert plan_engine(ModelSpec(str(bundle.path), "auto"), measured).engine.startswith("coreml:")


@pytest.mark.parametrize("build", ["24C1", None])
def test_another_macos_or_a_damaged_file_is_measured_anew(mac, bundle, measured, build):
    spec = ModelSpec(str(bundle.path), "coreml")
    plan_engine(spec, measured)
    if build:
        mac.setattr(layouts, "find_system", lambda: System((15, 2), build, "9.0"))
    else:
        (bundle.path / layouts.MEASURED).write_text('{"fps": 7')
    plan_engine(spec, measured)
    assert len(measured.asked) == 2


def test_what_the_user_chose_is_not_measured(mac, bundle, measured):
    path = str(bundle.path)
    plan = plan_engine(ModelSpec(path, "coreml:fused", None, {"fused": "all"}), measured)
    assert (plan.engine, plan.units) == ("coreml:fused", {"fused": "all"})
    units = {"encode": GPU, "decode": NE, "unet": "auto"}
    plan = plan_engine(ModelSpec(path, "coreml:staged", None, units), measured)
    assert (plan.engine, plan.units) == ("coreml:staged", {"encode": GPU, "decode": NE})
    assert measured.asked == []


def test_bench_repeats_the_measurement(mac, bundle, measured):
    spec = ModelSpec(str(bundle.path), "coreml")
    plan_engine(spec, measured)
    slow = {plan.label: 1.0 for plan in ways_to_run(spec)}
    path = remember(spec, {**slow, "coreml:fused": 2.0})
    assert json.loads(bundle.path.joinpath(layouts.MEASURED).read_text())["fps"]
    assert path == str(bundle.path / layouts.MEASURED)
    assert plan_engine(spec, measured).engine == "coreml:fused"
    assert len(measured.asked) == 1


def test_a_bundle_of_one_layout_leaves_nothing_to_choose(mac, make_bundle, measured):
    fused = make_bundle("fused-only", programs=("fused", "text_encoder"), layouts=("fused",))
    assert plan_engine(ModelSpec(str(fused.path), "coreml"), measured).engine == "coreml:fused"
    assert measured.asked == []
    with pytest.raises(MissingError, match="staged"):
        plan_engine(ModelSpec(str(fused.path), "coreml:staged"), measured)


def test_a_layout_that_there_is_not_is_refused(mac, bundle, measured):
    with pytest.raises(UsageError, match="no layout"):
        plan_engine(ModelSpec(str(bundle.path), "coreml:split"), measured)


def test_without_a_mac_core_ml_says_so_before_any_process_starts(measured, bundle):
    with pytest.raises(MissingError, match="macOS only"):
        plan_engine(ModelSpec(str(bundle.path), "coreml"), measured)
