"""What the service says of itself."""

from __future__ import annotations

from sdcam.errors import SdcamError, UsageError
from sdcam.service.health import ServiceHealth, ServiceState

UNPLUGGED, GONE = SdcamError("It is unplugged."), SdcamError("It is gone.")


def test_a_part_that_works_leaves_the_faults_of_others():
    health = ServiceHealth(2.0)
    assert health.report("output:virtual-camera", GONE)
    assert health.report("output:file:x.mp4", GONE)
    assert health.report("output:virtual-camera", None)
    assert list(health.faults) == ["output:file:x.mp4"]
    assert health.state is ServiceState.FAULT


def test_a_fault_that_is_known_is_no_news():
    health = ServiceHealth(2.0)
    assert health.report("camera", UNPLUGGED)
    assert not health.report("camera", UNPLUGGED)
    assert health.report("camera", None)
    assert not health.report("camera", None)
    assert health.last_fault is UNPLUGGED


def test_a_refused_prompt_is_a_notice_and_the_service_is_running():
    health = ServiceHealth(2.0)
    assert health.card(0) is None
    assert health.notice("prompt", UsageError("It has no trained word."))
    assert health.state is ServiceState.RUNNING
    assert not health.notice("prompt", UsageError("It has no trained word."))
    assert health.notice("prompt", None)
    assert health.notices == {}


def test_a_camera_that_is_closed_on_purpose_has_no_fault():
    health = ServiceHealth(2.0)
    health.report("camera", UNPLUGGED)
    health.closed("camera")
    assert health.card(None).title == "Starting"


def test_the_card_names_the_fault_once_the_last_picture_is_too_old():
    health = ServiceHealth(2.0)
    health.report("camera", UNPLUGGED)
    assert health.card(1_900_000_000) is None
    assert health.card(2_100_000_000).title == "No camera picture"
    health.report("camera", None)
    assert health.card(2_100_000_000).title == "Waiting"
    health.paused = True
    assert health.card(0).title == "Paused"
    assert health.state is ServiceState.PAUSED
