"""Windows of row groups: what is read at once, and permuted together."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

from stages.rows.lists import Numbers
from stages.table.shard import Shard, opened
from stages.train.stream.row_groups import RowGroup

_WINDOW_ROWS = 131_072
_WINDOW_BYTES = 1 << 29  # an Arrow column of strings ends at 2 GiB
_AHEAD = 2


@dataclass(frozen=True)
class Window:
    """Some row groups of a pass.

    Attributes:
      groups: in the order in which the pass has them.
      seeds: of the order of their rows.
      first_row: where in that order to begin.
      last: whether the pass ends with it.
    """

    groups: tuple[RowGroup, ...]
    seeds: tuple[int, ...]
    first_row: int
    last: bool

    @property
    def size(self) -> int:
        """How many rows of its groups count."""
        return sum(group.size for group in self.groups)

    def order(self) -> Numbers:
        """Return int64 [rows from the first on]: the number of each among those that count."""
        rows: Numbers = np.random.default_rng(self.seeds).permutation(self.size)
        return rows[self.first_row :]

    def read(self, names: list[str], *, by_code: list[str]) -> pa.Table:
        """Return some columns of the rows that count; each file is opened once.

        Args:
          names: of the columns.
          by_code: which of them to leave as numbers in the file's dictionary.

        Raises:
          DamagedTableError: a file cannot be read.
        """
        places: defaultdict[Shard, list[int]] = defaultdict(list)
        for place, group in enumerate(self.groups):
            places[group.shard].append(place)
        parts: dict[int, pa.Table] = {}
        for shard, own in places.items():
            rows = _read(shard, [self.groups[place] for place in own], names, by_code)
            parts.update(zip(own, rows, strict=True))
        return pa.concat_tables([parts[place] for place in range(len(self.groups))])


def windows_of(
    groups: Sequence[RowGroup], *, seed: int, number: int, first_row: int = 0
) -> Iterator[Window]:
    """Yield the windows of a pass from a row on; those before it are left out.

    Args:
      groups: what the pass has, in the table's order.
      seed: of the stream.
      number: of the pass; with the seed it decides the order.
      first_row: of the pass.
    """
    order = np.random.default_rng([seed, number]).permutation(len(groups))
    cut = list(_cut(groups[place] for place in order if groups[place].size))
    for place, some in enumerate(cut):
        last = place == len(cut) - 1
        window = Window(tuple(some), (seed, number, place), max(0, first_row), last)
        if window.first_row < window.size:
            yield window
        first_row -= window.size


def read_ahead(
    windows: Iterable[Window], names: list[str], *, by_code: list[str]
) -> Iterator[tuple[Window, pa.Table]]:
    """Yield windows with what `read` returns of each; while one is used the next two are read.

    Raises:
      DamagedTableError: a file cannot be read.
    """
    with ThreadPoolExecutor(max_workers=_AHEAD) as readers:
        reads = (
            (window, readers.submit(window.read, names, by_code=by_code)) for window in windows
        )
        under_way = deque(islice(reads, _AHEAD))
        while under_way:
            under_way.extend(islice(reads, 1))
            yield _taken(*under_way.popleft())


def _taken(window: Window, rows: Future[pa.Table]) -> tuple[Window, pa.Table]:
    """Return what was read; a name that a generator has for it would keep it while it waits."""
    return window, rows.result()


def _cut(groups: Iterable[RowGroup]) -> Iterator[list[RowGroup]]:
    """Yield row groups some at a time: rows enough to be permuted, or as many as memory is for."""
    window: list[RowGroup] = []
    for group in groups:
        window.append(group)
        rows, size = sum(one.size for one in window), sum(one.size_bytes for one in window)
        if rows >= _WINDOW_ROWS or size >= _WINDOW_BYTES:
            yield window
            window = []
    if window:
        yield window


def _read(
    shard: Shard, groups: Sequence[RowGroup], names: list[str], by_code: list[str]
) -> Iterator[pa.Table]:
    """Yield the rows that count of each of a shard's groups."""
    with opened(shard, by_code=by_code) as file:
        rows = file.read_row_groups(
            [group.number for group in groups], columns=names, use_threads=False
        )
        sizes = [file.metadata.row_group(group.number).num_rows for group in groups]
    for group, end, size in zip(groups, np.cumsum(sizes), sizes, strict=True):
        yield group.counted(rows.slice(end - size, size))
