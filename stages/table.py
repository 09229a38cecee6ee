"""The soft-label table: a Delta Lake table of Parquet shards. Open, check, read.

Until a commit nothing is visible; after it everything is. A version is one snapshot of a
corpus. Opening checks every shard against the log, so a damaged table is found before it is
used and not half-way through training.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pydantic import ValidationError

from schemas.errors import (
    DamagedTableError,
    MissingTableError,
    StaleTableError,
    TableError,
)
from schemas.heads import Head
from schemas.layout import SPLIT_COLUMN
from schemas.provenance import digest_file
from schemas.soft_labels import FORMAT_VERSION, READABLE_VERSIONS, TableCard
from stages.inputs import inputs_of

CARD_KEY = "softshards"
ARTEFACTS_FOLDER = "_artefacts"


@dataclass(frozen=True)
class Shard:
    """One file of the visible version."""

    path: Path
    split: str
    rows: int
    size_bytes: int

    @property
    def bucket(self) -> int:
        """The shard's number."""
        return int(self.path.name.split("-")[1])

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


@dataclass(frozen=True)
class SoftLabelTable:
    """One committed version of a table.

    Attributes:
      path: the table's folder.
      version: Delta version.
      card: what was committed with it.
      shards: its files, by (split, shard number).
    """

    path: Path
    version: int
    card: TableCard
    shards: tuple[Shard, ...]

    @property
    def artefacts_path(self) -> Path:
        """Folder of what the teacher left for students: its vocabulary and its measures."""
        return self.path / ARTEFACTS_FOLDER / self.card.teacher_fingerprint

    def shards_of(self, split: str) -> list[Shard]:
        """Return a split's shards in order of their number."""
        return [shard for shard in self.shards if shard.split == split]

    def texts(self, split: str) -> Iterator[list[str]]:
        """Yield the texts of each of a split's shards; words, and pairs, joined by spaces.

        Of numbers nothing.
        """
        features = self.card.features
        if self.card.layout.has_numbers:
            return
        for shard in self.shards_of(split):
            found = inputs_of(read_shard(shard, list(features)), features)
            yield [one if isinstance(one, str) else " ".join(one) for one in found]

    def read(self, split: str, columns: Sequence[str]) -> pa.Table:
        """Return a whole split's columns in the table's order; for splits that fit in memory."""
        parts = [read_shard(shard, columns) for shard in self.shards_of(split)]
        if not parts:
            schema = self.card.layout.table_schema
            return pa.schema([schema.field(name) for name in columns]).empty_table()
        return pa.concat_tables(parts)


def open_table(
    path: Path, *, head: Head | None = None, teacher: str | None = None
) -> SoftLabelTable:
    """Return the newest committed version.

    Args:
      path: the table's folder.
      head: when given, the table must have been made for just this head.
      teacher: when given, the fingerprint of the teacher that must have made it, or one of those.

    Raises:
      MissingTableError: nothing is committed there.
      StaleTableError: another format version, head or teacher than asked for.
      DamagedTableError: a shard is missing or has another size than the log says.
    """
    delta = open_delta(path)
    if delta is None:
        raise MissingTableError(f"no soft-label table: {path}: nothing committed. Run `label`.")
    card = _newest_card(delta, path)
    if card.format_version not in READABLE_VERSIONS:
        raise StaleTableError(
            f"table has another format: {path}: found version {card.format_version}, expected "
            f"{FORMAT_VERSION}. Label again, or read it with the release that wrote it."
        )
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
    shards = tuple(visible_shards(delta, path))
    for shard in shards:
        _check_size(shard)
    return SoftLabelTable(path, delta.version(), card, shards)


def table_exists(path: Path) -> bool:
    """Return whether a version is committed there."""
    return open_delta(path) is not None


def read_shard(shard: Shard, columns: Sequence[str]) -> pa.Table:
    """Return some columns of a shard.

    Raises:
      DamagedTableError: it cannot be read as Parquet.
    """
    try:
        return pq.read_table(shard.path, columns=list(columns), partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise DamagedTableError(
            f"shard cannot be read: {shard.path}: {str(error).splitlines()[0]}. Label again."
        ) from error


def check_bytes(shard: Shard) -> None:
    """Compare a shard's bytes with the digest in its name.

    Raises:
      DamagedTableError: they differ.
    """
    if problem := digest_problem(shard):
        raise DamagedTableError(
            f"shard is damaged: {shard.path}: {problem}. Restore the file, or remove the table and "
            "label again."
        )


def digest_problem(shard: Shard) -> str:
    """Return how a shard's bytes differ from the digest in its name; nothing where they do not."""
    named = shard.path.stem.rsplit("-", 1)[-1]
    found = digest_file(shard.path)[: len(named)]
    return "" if found == named else f"its bytes have digest {found}, its name says {named}"


def open_delta(path: Path) -> DeltaTable | None:
    """Return the Delta table at a path, or None before its first commit.

    Raises:
      TableError: what is there cannot be opened.
    """
    try:
        return DeltaTable(path)
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise TableError(
            f"table cannot be opened: {path}: {one_line(error)}. Mend the cause, or the path."
        ) from error


def _newest_card(delta: DeltaTable, path: Path) -> TableCard:
    for entry in delta.history():
        if CARD_KEY in entry:
            try:
                return TableCard.model_validate_json(entry[CARD_KEY])
            except ValidationError as error:
                found = json.loads(entry[CARD_KEY]).get("format_version")
                raise StaleTableError(
                    f"table's card cannot be read: {path}: format version {found}, expected "
                    f"{FORMAT_VERSION}. Label again, or read it with the release that wrote it."
                ) from error
    raise StaleTableError(
        f"not a soft-label table: {path}: its log has no entry of softshards. Mend the path."
    )


def visible_shards(delta: DeltaTable, path: Path) -> Iterator[Shard]:
    """Return what the log says is visible, by (split, shard number)."""
    actions = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    found = [
        Shard(
            path / action["path"],
            action[f"partition.{SPLIT_COLUMN}"],
            action["num_records"],
            action["size_bytes"],
        )
        for action in actions
    ]
    return iter(sorted(found, key=lambda shard: (shard.split, shard.path.name)))


def _check_size(shard: Shard) -> None:
    found = shard.path.stat().st_size if shard.path.is_file() else None
    if found != shard.size_bytes:
        state = "is missing" if found is None else f"has {found} bytes"
        raise DamagedTableError(
            f"shard is damaged: {shard.path}: it {state}, the log says {shard.size_bytes} bytes. "
            "Restore the file, or remove the table and label again."
        )


def one_line(error: Exception) -> str:
    """Return delta-rs's message without its colours and line breaks."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    return " ".join(text.split()).rstrip(".")


def _head_text(head: Head) -> str:
    return f"{head.name!r} with {len(head.classes)} classes ({', '.join(head.classes[:12])})"
