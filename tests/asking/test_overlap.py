"""Overlap: order, errors and the bound on what waits."""

import threading
import time

import pytest

from stages.asking.overlap import Behind, ahead, side_by_side


def test_ahead_keeps_the_order():
    assert list(ahead(iter(range(50)))) == list(range(50))


def test_ahead_raises_in_its_turn_what_making_an_item_raises():
    def items():
        yield 1
        raise ValueError("second")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="second"):
        next(found)


def test_ahead_makes_one_item_while_one_is_used():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    found = ahead(items())
    next(found)
    found.close()
    assert len(made) <= 2


def test_behind_does_the_work_in_order_and_is_finished_when_it_says_so():
    done, behind = [], Behind()
    for number in range(20):
        behind.submit(lambda number=number: done.append(number))
    behind.finish()
    behind.close()
    assert done == list(range(20))


def test_behind_lets_at_most_two_pieces_wait():
    behind, gate = Behind(), threading.Event()
    behind.submit(gate.wait)
    third = threading.Thread(target=lambda: [behind.submit(lambda: None) for _ in range(2)])
    third.start()
    third.join(0.2)
    assert third.is_alive()
    gate.set()
    third.join(10)
    assert not third.is_alive()
    behind.close()


def test_behind_raises_what_the_work_raised():
    behind = Behind()
    behind.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        behind.finish()
    behind.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_side_by_side_does_each_item_once(threads):
    found = []
    side_by_side(found.append, range(50), threads=threads)
    assert sorted(found) == list(range(50))


def test_side_by_side_has_as_many_at_work_as_there_are_threads():
    together = threading.Barrier(3, timeout=10)
    side_by_side(lambda _: together.wait(), range(6), threads=3)


@pytest.mark.parametrize("threads", [1, 2])
def test_side_by_side_raises_what_an_item_raises_and_leaves_the_rest(threads):
    found = []

    def work(item):
        if item == 1:
            raise ValueError("second")
        time.sleep(0.001)
        found.append(item)

    with pytest.raises(ValueError, match="second"):
        side_by_side(work, range(5000), threads=threads)
    assert len(found) < 4500
