"""The versions of a table: what each was made of, and the removal of files that none needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import MissingTableError, TableError
from schemas.joined import JoinedCard
from stages.table.delta_errors import DELTA_ERRORS, one_line
from stages.table.files import SHARD_NAME
from stages.table.log import AnyCard, Entry, card_of, log_entries
from stages.table.opening import open_delta, open_version
from stages.table.writing.staging import unfinished_files

_HOURS_PER_DAY = 24
_MOST_DAYS = 100_000
_GUARDED_HOURS = 7 * _HOURS_PER_DAY


@dataclass(frozen=True)
class Version:
    """One committed version, newest first in `history`; no card where it cannot be read."""

    number: int
    committed_at: str
    card: AnyCard | None


def history(path: Path) -> list[Version]:
    """Return a table's versions, newest first; those that others committed are left out.

    Raises:
      MissingTableError: nothing is committed there.
      TableError: the log cannot be read.
    """
    delta = open_delta(path)
    if delta is None:
        raise MissingTableError(f"no soft-label table: {path}: nothing committed. Run `label`.")
    return [
        Version(entry.version, entry.committed_at or "unknown", _readable_card(entry))
        for entry in log_entries(delta, path)
        if entry.card is not None
    ]


def _readable_card(entry: Entry) -> AnyCard | None:
    try:
        return card_of(entry)
    except ValueError:
        return None


def history_rows(versions: list[Version]) -> list[list[str]]:
    """Return versions as rows of a table for people, heads first."""
    heads = ["version", "committed", "rows", "inputs", "called", "reused", "removed", "teacher"]
    rows = [
        [str(version.number), version.committed_at, *_made_of(version.card)] for version in versions
    ]
    return [heads, *rows]


def _made_of(card: AnyCard | None) -> list[str]:
    """Return the rows of a version, what they cost, and who made them."""
    if card is None:
        return ["", "", "", "", "", "card cannot be read"]
    if isinstance(card, JoinedCard):
        names = ", ".join(head.name for head in card.heads)
        return [str(card.counts.rows), "", "", "", "", f"joined: {names}"]
    counts = card.counts
    return [
        str(counts.rows),
        str(counts.distinct_inputs),
        str(counts.teacher_calls),
        str(counts.reused_inputs),
        str(counts.removed_inputs),
        card.teacher_fingerprint[:12],
    ]


def vacuum(path: Path, *, keep_days: float, dry_run: bool) -> list[str]:
    """Remove shards that left the visible version more than `keep_days` ago; return their paths.

    Older versions then can no longer be opened. The visible version, what an unfinished run has
    made, the teacher's artefacts and whatever else is in the folder are never touched.

    Args:
      path: the table's folder.
      keep_days: ≥ 0; readers that are still at work on an older version need theirs.
      dry_run: only say which.

    Raises:
      MissingTableError: nothing is committed there.
      TableError: the visible version is not whole, the files cannot be removed, or `keep_days` is
        no number of days.
    """
    if not 0 <= keep_days <= _MOST_DAYS:
        raise TableError(
            f"old files cannot be removed: {path}: they are to be kept {keep_days} days, expected "
            f"a number from 0 to {_MOST_DAYS}. State another."
        )
    delta = open_delta(path)
    if delta is None:
        raise MissingTableError(f"no soft-label table: {path}: nothing committed. Run `label`.")
    open_version(path)  # or else what it lost from the log would pass for old
    hours = math.ceil(keep_days * _HOURS_PER_DAY)
    try:
        named = delta.vacuum(
            retention_hours=hours,
            dry_run=True,
            enforce_retention_duration=hours >= _GUARDED_HOURS,
            full=True,  # strays of killed runs too, and files that are not the table's
        )
        kept = unfinished_files(path)
        ours = [name for name in named if SHARD_NAME.fullmatch(name) and name not in kept]
        shards = [name for name in ours if (path / name).is_file()]  # the log names gone ones too
        for name in shards if not dry_run else ():
            (path / name).unlink(missing_ok=True)
        return shards
    except DELTA_ERRORS as error:
        raise TableError(
            f"old files cannot be removed: {path}: {one_line(error)}. The visible version is "
            "unharmed. Mend the cause and run `vacuum` again."
        ) from error
