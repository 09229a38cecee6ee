"""Work done ahead, behind or side by side: Arrow and the teacher leave Python's lock meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items; the next one is made while one is used.

    Memory: two items. What making an item raises is raised here, in its turn.

    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, items, _END)
        while (item := waiting.result()) is not _END:
            waiting = pool.submit(next, items, _END)
            yield item  # type: ignore[misc]


def side_by_side(work: Callable[[Item], None], items: Iterable[Item], *, threads: int) -> None:
    """Do the work for each item, in so many threads; begun in order, ended in any.

    What it raises is raised here; items not begun by then are left.

    >>> found = []
    >>> side_by_side(found.append, "abc", threads=2)
    >>> sorted(found)
    ['a', 'b', 'c']
    """
    if threads == 1:
        for item in items:
            work(item)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        for begun in [pool.submit(work, item) for item in items]:
            begun.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Behind:
    """Do work in one thread, in order, with at most two pieces waiting."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()

    def submit(self, work: Callable[[], None]) -> None:
        """Do it soon; raises here what earlier work raised."""
        self._waiting.append(self._pool.submit(work))
        if len(self._waiting) > 1:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Return when all is done; raises what it raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Let the thread end."""
        self._pool.shutdown(cancel_futures=True)
