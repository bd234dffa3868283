"""The ring returns as many frames as it took, and never blocks the writer."""

from __future__ import annotations

import threading
import time
import tracemalloc

import numpy as np

from sdcam.output.frame_ring import FrameRing


def frame(value):
    return np.full((4, 4), value, np.uint8)


def all_of(ring):
    ring.finish()
    taken = []
    while (got := ring.take()) is not None:
        taken.append(int(got[0, 0]))
    return taken


def test_frames_come_out_in_order():
    ring = FrameRing((4, 4), slots=4)
    for value in (1, 2, 3):
        ring.put(frame(value))
    assert all_of(ring) == [1, 2, 3]
    assert ring.late == 0


def test_a_full_ring_repeats_its_newest_frame_instead_of_losing_time():
    ring = FrameRing((4, 4), slots=3)
    for value in (1, 2, 3, 4, 5):
        ring.put(frame(value))
    assert ring.late == 2
    assert all_of(ring) == [1, 2, 3, 3, 3]


def test_a_ring_that_was_full_takes_new_frames_once_there_is_room():
    ring = FrameRing((4, 4), slots=2)
    for value in (1, 2, 3):
        ring.put(frame(value))
    assert ring.take()[0, 0] == 1
    ring.put(frame(4))  # 1 is still being read: no room yet
    assert [int(ring.take()[0, 0]) for _ in range(2)] == [2, 2]
    ring.put(frame(5))
    assert all_of(ring) == [2, 5]
    assert ring.late == 2


def test_the_frame_being_read_is_not_written_to():
    ring = FrameRing((4, 4), slots=2)
    ring.put(frame(1))
    reading = ring.take()
    for value in range(2, 9):
        ring.put(frame(value))
    assert (reading == 1).all()


def test_the_caller_keeps_its_frame():
    ring = FrameRing((4, 4), slots=2)
    mine = frame(1)
    ring.put(mine)
    mine[:] = 9
    assert all_of(ring) == [1]


def test_a_reader_waits_for_a_frame_and_is_released_at_the_end():
    ring = FrameRing((4, 4), slots=2)
    taken = []

    def read():
        while (got := ring.take()) is not None:
            taken.append(int(got[0, 0]))

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.02)
    ring.put(frame(7))
    time.sleep(0.02)
    ring.finish()
    reader.join(2.0)
    assert not reader.is_alive()
    assert taken == [7]


def test_as_many_come_out_as_went_in_with_a_reader_of_changing_speed():
    ring = FrameRing((4, 4), slots=3)
    taken = []

    def read():
        while (got := ring.take()) is not None:
            taken.append(int(got[0, 0]))
            time.sleep(0.004 if len(taken) % 7 == 0 else 0)

    reader = threading.Thread(target=read)
    reader.start()
    for value in range(200):
        ring.put(frame(value))
        if value % 10 == 0:
            time.sleep(0.001)
    ring.finish()
    reader.join(5.0)
    assert len(taken) == 200
    assert taken == sorted(taken)
    assert len(set(taken)) == 200 - ring.late


def test_putting_in_and_taking_out_allocates_no_frame():
    ring = FrameRing((360, 640), slots=2)
    picture = np.ones((360, 640), np.uint8)
    ring.put(picture)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(10):
        ring.take()
        ring.put(picture)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most - before < 4096
