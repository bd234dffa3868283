"""When a part that failed is started again."""

from __future__ import annotations

import pytest

from sdcam.errors import MissingError, SdcamError
from sdcam.workers.restart_policy import STABLE_SECONDS, RestartPolicy

CRASH, MISSING = SdcamError("It crashed."), MissingError("There is none.", "Get one.")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def policy(clock):
    return RestartPolicy(clock)


def delays(policy, fault, times):
    for _ in range(times):
        policy.failed(fault)
        yield round(policy.seconds_left, 3)


def test_delays_double_up_to_fifteen_seconds(policy):
    assert list(delays(policy, CRASH, 10)) == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0]


def test_permanent_faults_back_off_to_a_minute(policy):
    assert list(delays(policy, MISSING, 7)) == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_one_good_frame_between_crashes_does_not_end_the_back_off(policy, clock):
    found = []
    for _ in range(8):
        policy.works()
        clock.now += 0.1
        policy.failed(CRASH)
        found.append(round(policy.seconds_left, 3))
    assert found == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]


def test_failures_are_forgotten_after_ten_seconds_of_good_work(policy, clock):
    list(delays(policy, CRASH, 5))
    policy.works()
    clock.now += STABLE_SECONDS
    policy.works()
    assert policy.failures == 0
    assert list(delays(policy, CRASH, 2)) == [0.1, 0.2]


def test_good_work_that_is_only_noticed_at_the_next_failure_counts(policy, clock):
    list(delays(policy, CRASH, 5))
    policy.works()
    clock.now += STABLE_SECONDS
    assert list(delays(policy, CRASH, 2)) == [0.1, 0.2]


def test_a_change_retries_at_once_and_the_failures_still_count(policy):
    list(delays(policy, MISSING, 3))
    policy.retry_now()
    assert policy.seconds_left == 0.0
    assert list(delays(policy, MISSING, 1)) == [16.0]


def test_a_delay_after_a_sleep_outlasts_a_frame_that_was_in_flight(policy):
    policy.delay(2.0)
    policy.works()
    assert policy.seconds_left == 2.0
    policy.forget()  # another camera was chosen: there is nothing to wait for
    assert policy.seconds_left == 0.0
