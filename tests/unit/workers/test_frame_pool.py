"""Slots of shared memory, and who holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdcam.workers.frame_pool import FramePool, FrameSlots


def test_every_slot_is_handed_out_once_and_comes_back():
    pool = FramePool(3, 100)
    slots = [pool.take() for _ in range(4)]
    assert sorted(slots[:3]) == [0, 1, 2]
    assert slots[3] is None
    pool.give_back(1)
    assert pool.take() == 1


def test_giving_back_twice_is_a_mistake():
    pool = FramePool(1, 100)
    with pytest.raises(ValueError, match="twice"):
        pool.give_back(0)


def test_views_of_two_slots_do_not_overlap():
    slots = FrameSlots.allocate(2, 12)
    slots.view(0, (2, 2, 3))[...] = 1
    slots.memory(1)[6:] = 2
    assert slots.block.bytes().tolist() == [1] * 12 + [0] * 6 + [2] * 6


def test_a_frame_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        FrameSlots.allocate(1, 11).view(0, (2, 2, 3))


def test_pools_free_their_descriptors():
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(50):
        with FramePool(2, 100) as pool:
            pool.slots.memory(0)[...] = 1
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_an_array_keeps_the_memory_of_a_closed_pool():
    pool = FramePool(1, 100)
    memory = pool.slots.memory(0)
    pool.close()
    memory[...] = 7
    assert memory.tolist() == [7] * 100
    pool.close()
