"""The log of a soft-label table: each of our commits has the card of what it made visible.

Whatever a log holds, it is read or it is a stated failure: nothing of it is believed unseen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import StaleTableError
from schemas.expectations import cut
from schemas.explain import explain_card
from schemas.joined import JoinedCard
from schemas.soft_labels import FORMAT_VERSION, TableCard
from stages.table.delta_errors import DELTA_ERRORS, damaged_log, one_line
from stages.table.shard import MAKE_AGAIN

CARD_KEY = "softshards"
AnyCard = TableCard | JoinedCard
_CHANGES = frozenset({"WRITE", "DELETE", "UPDATE", "MERGE"})
_RESTORED = {"version": "version", "datetime": "timestamp"}  # as stated: as entries have it
_LAST_MILLISECOND = 253_402_300_799_999  # of the year 9999


class Entry(BaseModel):
    """What one commit says of itself.

    Attributes:
      version: Delta version.
      operation: what was done; empty where that is not said.
      timestamp: milliseconds since 1970; None where that is not said.
      stated: parameters of the operation.
      card: as it was written, if it was.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int
    operation: str = ""
    timestamp: int | None = Field(default=None, ge=0, le=_LAST_MILLISECOND)
    stated: dict[str, Any] = Field(default={}, alias="operationParameters")
    card: Any = Field(default=None, alias=CARD_KEY)

    @property
    def committed_at(self) -> str:
        """When, as ISO 8601; empty where that is not said."""
        if self.timestamp is None:
            return ""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC).isoformat(timespec="seconds")


def log_entries(delta: DeltaTable, path: Path) -> list[Entry]:
    """Return what the commits say of themselves, newest first.

    Raises:
      DamagedTableError: one cannot be read.
    """
    try:
        found = delta.history()
    except DELTA_ERRORS as error:
        raise damaged_log(path, one_line(error)) from error
    entries = []
    for one in found:
        try:
            entries.append(Entry.model_validate(one))
        except ValidationError as error:
            said = f"version {cut(one.get('version'))}: {explain_card(error, one)}"
            raise damaged_log(path, said) from error
    return entries


def card_of(entry: Entry) -> AnyCard:
    """Return the card that an entry of the log holds.

    Raises:
      ValueError: it is none of a format that is known here; it says what does not hold.
    """
    if not isinstance(entry.card, str):
        raise ValueError(f"found {cut(entry.card)}, expected the card's JSON")
    try:
        stated = json.loads(entry.card)
    except (ValueError, RecursionError):
        stated = None  # pydantic says where
    kind = JoinedCard if isinstance(stated, dict) and "parts" in stated else TableCard
    try:
        return kind.model_validate_json(entry.card)
    except ValidationError as error:
        raise ValueError(explain_card(error, stated)) from error


def newest_card(delta: DeltaTable, path: Path) -> AnyCard:
    """Return the card of what is visible, also where an older version was restored.

    Raises:
      StaleTableError: there is none, it is of another format, or somebody else wrote to the table.
      DamagedTableError: the log or the card cannot be read.
    """
    others: list[Entry] = []
    for entry in _visible(delta, path):
        if entry.card is not None:
            _check_own(others, path)
            return _card(entry, path)
        if entry.operation in _CHANGES:
            others.append(entry)
    raise StaleTableError(
        f"not a soft-label table: {path}: its log has no entry of softshards. Mend the path."
    )


def _visible(delta: DeltaTable, path: Path) -> Iterator[Entry]:
    """Yield the entries of the log that made what is visible, newest first.

    Raises:
      StaleTableError: which version was restored is not said.
    """
    until: dict[str, int] = {}  # version or time of what was restored
    for entry in log_entries(delta, path):
        if any((getattr(entry, key) or 0) > value for key, value in until.items()):
            continue
        if entry.operation == "RESTORE":
            found = {key: _whole(entry.stated.get(name)) for name, key in _RESTORED.items()}
            until = {key: value for key, value in found.items() if value is not None}
            if not until:
                raise StaleTableError(
                    f"restored version is not known: {path}: found {cut(entry.stated)}, expected "
                    "`version`. Restore it by its number."
                )
        yield entry


def _whole(stated: Any) -> int | None:
    """Return a number that engines write as one or as text; None for anything else."""
    is_one = isinstance(stated, int) or (isinstance(stated, str) and stated.isdecimal())
    return int(stated) if is_one and len(str(stated)) < 20 else None


def _check_own(others: list[Entry], path: Path) -> None:
    if others:
        raise StaleTableError(
            f"table was changed by other hands: {path}: found {others[0].operation} as version "
            f"{others[0].version}, expected none but those of softshards. Restore the version "
            "before it, or remove the table and label again."
        )


def _card(entry: Entry, path: Path) -> AnyCard:
    try:
        return card_of(entry)
    except ValueError as error:
        version = _format_version(entry.card)
        if version is None:
            raise damaged_log(path, f"card of version {entry.version}: {error}") from error
        raise StaleTableError(
            f"table's card cannot be read: {path}: format version {version}, expected "
            f"{FORMAT_VERSION}: {error}. Read it with the release that wrote it, or {MAKE_AGAIN}"
        ) from error


def _format_version(card: Any) -> int | None:
    """Return the version that a card states, None where it states none."""
    try:
        stated = json.loads(card)
    except (ValueError, TypeError, RecursionError):
        return None
    found = stated.get("format_version") if isinstance(stated, dict) else None
    return found if isinstance(found, int) else None
