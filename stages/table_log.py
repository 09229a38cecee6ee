"""The log of a soft-label table: each of our commits has the card of what it made visible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from pydantic import TypeAdapter, ValidationError

from schemas.errors import StaleTableError
from schemas.joined import JoinedCard
from schemas.soft_labels import FORMAT_VERSION, TableCard

CARD_KEY = "softshards"
AnyCard = TableCard | JoinedCard
_CARDS: TypeAdapter[AnyCard] = TypeAdapter(AnyCard)
_CHANGES = frozenset({"WRITE", "DELETE", "UPDATE", "MERGE"})
_RESTORED = {"version": "version", "datetime": "timestamp"}  # as stated: as entries have it


def card_of_entry(text: str) -> AnyCard:
    """Return the card that an entry of the log holds.

    Raises:
      ValidationError: it is none of a format that is known here.
    """
    return _CARDS.validate_json(text)


def newest_card(delta: DeltaTable, path: Path) -> AnyCard:
    """Return the card of what is visible, also where an older version was restored.

    Raises:
      StaleTableError: there is none, it cannot be read, or somebody else wrote to the table.
    """
    others: list[dict[str, Any]] = []
    for entry in _visible(delta, path):
        if CARD_KEY in entry:
            _check_own(others, path)
            return _card(entry[CARD_KEY], path)
        if entry["operation"] in _CHANGES:
            others.append(entry)
    raise StaleTableError(
        f"not a soft-label table: {path}: its log has no entry of softshards. Mend the path."
    )


def _visible(delta: DeltaTable, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of the log that made what is visible, newest first.

    Raises:
      StaleTableError: which version was restored is not said.
    """
    until: dict[str, int] = {}  # version or time of what was restored
    for entry in delta.history():
        if any(entry[key] > value for key, value in until.items()):
            continue
        if entry["operation"] == "RESTORE":
            stated = entry["operationParameters"]
            found = {key: stated.get(name) for name, key in _RESTORED.items()}
            until = {key: int(value) for key, value in found.items() if value is not None}
            if not until:
                raise StaleTableError(
                    f"restored version is not known: {path}: found {stated}, expected `version`. "
                    "Restore it by its number."
                )
        yield entry


def _check_own(others: list[dict[str, Any]], path: Path) -> None:
    if others:
        raise StaleTableError(
            f"table was changed by other hands: {path}: found {others[0]['operation']} as version "
            f"{others[0]['version']}, expected none but those of softshards. Restore the version "
            "before it, or remove the table and label again."
        )


def _card(text: str, path: Path) -> AnyCard:
    try:
        return card_of_entry(text)
    except ValidationError as error:
        found = json.loads(text).get("format_version")
        raise StaleTableError(
            f"table's card cannot be read: {path}: format version {found}, expected "
            f"{FORMAT_VERSION}. Label again, or read it with the release that wrote it."
        ) from error
