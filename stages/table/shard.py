"""One Parquet file of a soft-label table: read it, and compare it with what the log says.

Whoever reads a shard does it here: its bytes are compared with the digest in its name before
anything is read of them, once a process for a file that does not change meanwhile. That takes about
a second for a gigabyte, and the memory of one block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import DamagedTableError, first_line
from schemas.heads import Head
from schemas.provenance import digest_file

RUN_AGAIN = "run again what made it: `label`, `combine`, or, of several heads, `run`."
MAKE_AGAIN = f"remove the table and {RUN_AGAIN}"
_COMPARED: set[tuple[object, ...]] = set()


@dataclass(frozen=True)
class Shard:
    """One file of the visible version.

    Attributes:
      path: of the file.
      split: of all its rows.
      rows: how many it has; seen by one head of several, how many of them have that head.
      size_bytes: of the file.
      presence: seen by one head of several, the column that says which rows have it.
    """

    path: Path
    split: str
    rows: int
    size_bytes: int
    presence: str | None = None

    @property
    def bucket(self) -> int:
        """The shard's number."""
        return int(self.path.name.split("-")[1])

    @property
    def of_shards(self) -> int:
        """Of how many shards it is one, by its name."""
        return int(self.path.name.split("-")[3])

    def meets(self, bucket: int, *, num_shards: int, own_shards: int) -> bool:
        """Return whether its range of digests and a bucket's have some in common.

        Args:
          bucket: number of the other range.
          num_shards: ranges of which that is one.
          own_shards: ranges of which the shard is one.
        """
        ends_after = (self.bucket + 1) * num_shards > bucket * own_shards
        starts_before = self.bucket * num_shards < (bucket + 1) * own_shards
        return ends_after and starts_before

    def seen_by(self, head: Head, *, lacking: int) -> Shard:
        """Return the rows that have one head of several; so many lack it."""
        return replace(self, rows=self.rows - lacking, presence=head.presence_column)


def read_shard(shard: Shard, columns: Sequence[str]) -> pa.Table:
    """Return some columns of a shard; seen by one head of several, of the rows that have it.

    Raises:
      DamagedTableError: its bytes are not those of its name, or it cannot be read as Parquet.
    """
    names = list(columns)
    if shard.presence is None:
        return read_file(shard, names)
    rows = read_file(shard, [*names, shard.presence])
    return rows.filter(rows[shard.presence]).select(names)


def read_file(shard: Shard, columns: Sequence[str]) -> pa.Table:
    """Return some columns of all rows of a shard.

    Raises:
      DamagedTableError: its bytes are not those of its name, or it cannot be read as Parquet.
    """
    check_bytes(shard)
    try:
        return pq.read_table(shard.path, columns=list(columns), partitioning=None)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(shard, error) from error


@contextmanager
def opened(shard: Shard, *, by_code: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    """Open a shard for its row groups; columns `by_code` are read as dictionaries.

    Raises:
      DamagedTableError: its bytes are not those of its name, or it cannot be read as Parquet.
    """
    check_bytes(shard)
    try:
        with pq.ParquetFile(shard.path, read_dictionary=list(by_code)) as file:
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(shard, error) from error


def read_unchecked(shard: Shard) -> pa.Table:
    """Return all that can be read of a shard, for who looks for what is wrong with it.

    Raises:
      DamagedTableError: it cannot be read as Parquet.
    """
    try:
        return pq.read_table(shard.path, partitioning=None)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(shard, error) from error


def unreadable(shard: Shard, error: Exception) -> DamagedTableError:
    """Return what to raise of a shard that cannot be read."""
    said = first_line(error)
    return DamagedTableError(
        f"shard cannot be read: {shard.path}: {said}. Restore the file, or {MAKE_AGAIN}"
    )


def check_bytes(shard: Shard) -> None:
    """Compare a shard's bytes with the digest in its name, once a process while it is the same.

    Raises:
      DamagedTableError: they differ, or the file cannot be read.
    """
    try:
        state = _state(shard.path)
        if state in _COMPARED:
            return
        problem = digest_problem(shard)
    except OSError as error:
        raise unreadable(shard, error) from error
    if problem:
        raise DamagedTableError(
            f"shard is damaged: {shard.path}: {problem}. Restore the file, or {MAKE_AGAIN}"
        )
    _COMPARED.add(state)


def _state(path: Path) -> tuple[object, ...]:
    """Return what tells that a file is the one that was compared; a move keeps it."""
    found = path.stat()
    return path.name, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def digest_problem(shard: Shard) -> str:
    """Return how a shard's bytes differ from the digest in its name; nothing where they do not."""
    named = shard.path.stem.rsplit("-", 1)[-1]
    found = digest_file(shard.path)[: len(named)]
    return "" if found == named else f"its bytes have digest {found}, its name says {named}"


def check_size(shard: Shard) -> None:
    """Compare a shard's size with what the log says.

    Raises:
      DamagedTableError: they differ, or there is no file.
    """
    found = shard.path.stat().st_size if shard.path.is_file() else None
    if found != shard.size_bytes:
        state = "is missing" if found is None else f"has {found} bytes"
        raise DamagedTableError(
            f"shard is damaged: {shard.path}: it {state}, the log says {shard.size_bytes} bytes. "
            f"Restore the file, or {MAKE_AGAIN}"
        )
