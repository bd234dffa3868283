"""The life of the service on real devices: started by its unit, as an ordinary user."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from vm_devices import BARS, LOOPBACK, camera_node, load_camera, unplug_camera
from vm_frames import bars, keep, newest, viewer
from vm_service import Service
from vm_user import User

from sdcam.capture.cameras.holders import holders
from sdcam.output.loopback_state import State, query_state

_TOLERANCE = 6  # of 255; limited range taken for full is 11 off in white, 16 in black


def test_systemd_hears_that_it_is_ready_and_lives(service: Service) -> None:
    service.until_picture()
    assert service.told.count("READY=1") == 1
    service.until_told("WATCHDOG=1")
    service.until_told("STATUS=running")


def test_size_and_rate_are_as_configured(user: User, service: Service) -> None:
    service.until_picture()
    with viewer(user) as program:
        for _ in range(60):
            program.next()
        said = program.close()
    assert "yuv420p" in said and "640x360" in said
    times = program.times[10:]
    rate = (len(times) - 1) / (times[-1] - times[0])
    print(f"{rate:.2f} frames a second")
    assert rate == pytest.approx(10, abs=0.5)


def test_every_colour_of_the_camera_comes_out_as_it_went_in(user: User, service: Service) -> None:
    service.ask("set", values={"look.blend": 1.0})
    service.until_picture()
    frame = newest(user)
    keep("camera", frame)
    seen = bars(frame)
    print(seen)
    for name, colour in BARS:
        assert seen[name] == pytest.approx(colour, abs=_TOLERANCE), name


def test_the_picture_is_restyled(user: User, service: Service) -> None:
    camera = newest(user, 2).astype(float)
    service.ask("set", values={"look.blend": 0.0})
    service.until_picture()
    styled = newest(user, 20)
    keep("styled", styled)
    assert np.abs(styled - camera).mean() > 10
    assert styled.std() > 20  # and no card: those are nearly one colour


def test_an_unplugged_camera_comes_back(user: User, service: Service) -> None:
    status = service.until_picture()
    daemon = status["processes"]["daemon"]["pid"]
    unplug_camera()
    service.until(lambda s: s["card"] == "No camera picture")
    keep("unplugged", newest(user))
    load_camera()
    status = service.until_picture()
    keep("replugged", newest(user))
    assert status["processes"]["daemon"]["pid"] == daemon == service.pid
    assert status["faults"] == {}


def test_nobody_watches_and_the_camera_is_closed(user: User, service: Service) -> None:
    assert holders(camera_node()) != []
    service.ask("set", values={"output.on_demand": True})
    service.until(lambda s: s["state"] == "idle")
    _until_closed(service)
    for _ in range(2):  # it comes, it goes, it comes back
        with viewer(user) as program:
            card = program.next()
            service.until_picture()
            for _ in range(30):
                picture = program.next()
            assert "ffmpeg" in str(service.ask("status")["watchers"])
            assert holders(camera_node()) != []
        assert np.abs(picture.astype(float) - card).mean() > 10
        service.until(lambda s: s["state"] == "idle")
        _until_closed(service)
    keep("standing-by", card)
    keep("came-back", picture)
    service.ask("set", values={"output.on_demand": False})


def test_it_is_killed_and_starts_again(user: User, service: Service) -> None:
    service.until_picture()
    service.end(signal.SIGKILL)
    assert query_state(LOOPBACK) in (State.STUCK, State.FREE)
    service.start()
    service.until_picture()
    newest(user)


def test_it_ends_in_order_and_starts_again(user: User, service: Service) -> None:
    assert service.end() == 0
    assert service.told[-1] == "STOPPING=1"
    assert holders(LOOPBACK) == []
    state = query_state(LOOPBACK)
    print(state)
    assert state in (State.STUCK, State.FREE)
    service.start()
    service.until_picture()
    newest(user)


def _until_closed(service: Service) -> None:
    service.until(lambda _: holders(camera_node()) == [])
