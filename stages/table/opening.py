"""The soft-label table: a Delta Lake table of Parquet shards. Open, check, read.

Until a commit nothing is visible; after it everything is. A version is one snapshot of a
corpus. Opening checks every shard against the log, so a damaged table is found before it is
used and not half-way through training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from schemas.errors import DamagedTableError, MissingTableError, StaleTableError, TableError
from schemas.heads import Head
from schemas.joined import JoinedCard
from schemas.soft_labels import FORMAT_VERSION, READABLE_VERSIONS, TableCard
from stages.inputs.find import input_named
from stages.machine.listing import first_few
from stages.table.delta_errors import DELTA_ERRORS, one_line
from stages.table.files import visible_shards
from stages.table.log import newest_card
from stages.table.shard import Shard, check_size, read_shard
from stages.table.totals import check_totals

ARTEFACTS_FOLDER = "_artefacts"


class _OfShards:
    """What a version of one head and one of several have."""

    shards: tuple[Shard, ...]

    def shards_of(self, split: str) -> list[Shard]:
        """Return a split's shards in order of their number."""
        return [shard for shard in self.shards if shard.split == split]


@dataclass(frozen=True)
class SoftLabelTable(_OfShards):
    """One committed version of a table.

    Attributes:
      path: the table's folder.
      version: Delta version.
      card: what was committed with it.
      shards: its files, by (split, shard number).
      of_several: whether it is one head's part of a table of several.
    """

    path: Path
    version: int
    card: TableCard
    shards: tuple[Shard, ...]
    of_several: bool = False

    @property
    def artefacts_path(self) -> Path:
        """Folder of what the teacher left for students: its vocabulary and its measures."""
        place = self.path / ARTEFACTS_FOLDER
        if self.of_several:
            place /= self.card.head.name
        return place / self.card.teacher_fingerprint

    @property
    def name(self) -> str:
        """Its folder, and which head's part it is, for messages."""
        return f"{self.path}, head {self.card.head.name!r}" if self.of_several else str(self.path)

    def texts(self, split: str) -> Iterator[list[str]]:
        """Yield the texts of each of a split's shards, as its rows are shown."""
        kind = input_named(self.card.layout.input_kind)
        for shard in self.shards_of(split):
            yield kind.shown(read_shard(shard, list(self.card.features)))

    def read(self, split: str, columns: Sequence[str]) -> pa.Table:
        """Return a whole split's columns in the table's order; for splits that fit in memory."""
        parts = [read_shard(shard, columns) for shard in self.shards_of(split)]
        if not parts:
            schema = self.card.layout.table_schema
            return pa.schema([schema.field(name) for name in columns]).empty_table()
        return pa.concat_tables(parts)


@dataclass(frozen=True)
class JoinedTable(_OfShards):
    """One committed version of a table of several heads.

    Attributes: as of `SoftLabelTable`.
    """

    path: Path
    version: int
    card: JoinedCard
    shards: tuple[Shard, ...]

    @property
    def name(self) -> str:
        """Its folder, for messages."""
        return str(self.path)

    def parts(self) -> Iterator[SoftLabelTable]:
        """Yield the table as each head sees it: just the rows of its own table."""
        for number, card in enumerate(self.card.parts):
            own = (
                shard.seen_by(card.head, lacking=self.lacking(shard)[number])
                for shard in self.shards
            )
            shards = tuple(shard for shard in own if shard.rows)
            yield SoftLabelTable(self.path, self.version, card, shards, of_several=True)

    def lacking(self, shard: Shard) -> tuple[int, ...]:
        """Return how many of a file's rows lack each head.

        Raises:
          DamagedTableError: the card does not say.
        """
        found = self.card.lacking.get(shard.path.relative_to(self.path).as_posix())
        if found is None or len(found) != len(self.card.parts):
            raise DamagedTableError(
                f"table's card does not know a file: {shard.path}: found {found}, expected how "
                f"many rows lack each of {len(self.card.parts)} heads. Remove the table and run "
                "again."
            )
        return found

    def part(self, head: Head | None) -> SoftLabelTable:
        """Return the table as a head sees it.

        Raises:
          TableError: no head is named.
          StaleTableError: it is none of the table's.
        """
        names = ", ".join(one.name for one in self.card.heads)
        if head is None:
            raise TableError(
                f"table has several heads: {self.path}: {names}; expected a table of one. Name "
                "another folder, or a run file of one of these heads."
            )
        for table in self.parts():
            if table.card.head == head:
                return table
        raise StaleTableError(
            f"table has other heads: {self.path}: found {names}, expected {_head_text(head)}. "
            "Label again with this run file, or mend [[heads]]."
        )


def open_table(
    path: Path, *, head: Head | None = None, teacher: str | None = None
) -> SoftLabelTable:
    """Return the newest committed version.

    Args:
      path: the table's folder.
      head: when given, the table must have been made for just this head, or have it among several.
      teacher: when given, the fingerprint of the teacher that must have made it, or one of those.

    Raises:
      MissingTableError: nothing is committed there.
      StaleTableError: another format version, head or teacher than asked for.
      DamagedTableError: a shard is missing or has another size than the log says, or the log
        lists other rows or shards than the card counted.
      TableError: it has several heads, and none is asked for.
    """
    found = open_version(path)
    table = found.part(head) if isinstance(found, JoinedTable) else found
    card = table.card
    if head is not None and card.head != head:
        raise StaleTableError(
            f"table has another head: {path}: found {_head_text(card.head)}, expected "
            f"{_head_text(head)}. Label again with this run file, or mend [[heads]]."
        )
    made_by = {card.teacher_fingerprint, *(one.teacher_fingerprint for one in card.teachers)}
    if teacher is not None and teacher not in made_by:
        raise StaleTableError(
            f"table was made by another teacher: {path}: found {card.teacher_fingerprint}, "
            f"expected {teacher}. Label again with this teacher, or name the one that made it."
        )
    return table


def open_version(path: Path) -> SoftLabelTable | JoinedTable:
    """Return the newest committed version, of one head or of several.

    Raises: as `open_table` of what it says without a head.
    """
    delta = open_delta(path)
    if delta is None:
        raise MissingTableError(f"no soft-label table: {path}: nothing committed. Run `label`.")
    card = newest_card(delta, path)
    if card.format_version not in READABLE_VERSIONS:
        raise StaleTableError(
            f"table has another format: {path}: found version {card.format_version}, expected "
            f"{FORMAT_VERSION}. Label again, or read it with the release that wrote it."
        )
    shards = tuple(visible_shards(delta, path))
    for shard in shards:
        check_size(shard)
    check_totals(path, shards, card)
    if isinstance(card, JoinedCard):
        return JoinedTable(path, delta.version(), card, shards)
    return SoftLabelTable(path, delta.version(), card, shards)


def table_exists(path: Path) -> bool:
    """Return whether a version is committed there."""
    return open_delta(path) is not None


def open_delta(path: Path) -> DeltaTable | None:
    """Return the Delta table at a path, or None before its first commit.

    Raises:
      TableError: what is there cannot be opened.
    """
    try:
        return DeltaTable(path)
    except TableNotFoundError:
        return None
    except DELTA_ERRORS as error:
        raise TableError(
            f"table cannot be opened: {path}: {one_line(error)}. Mend the cause, or the path."
        ) from error


def _head_text(head: Head) -> str:
    return f"{head.name!r} with {len(head.classes)} classes ({first_few(head.classes)})"
