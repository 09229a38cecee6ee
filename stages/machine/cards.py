"""A card on disk: JSON of a model, read whole or with what does not hold in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.explain import explain_card

Card = TypeVar("Card", bound=BaseModel)


def card_in(path: Path, kind: type[Card]) -> Card:
    """Return the card of a kind that a file holds.

    Raises:
      OSError: it cannot be read.
      ValueError: it does not hold; the message names its fields, in one line.
    """
    data = path.read_bytes()
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise ValueError(explain_card(error, _stated(data))) from error


def _stated(data: bytes) -> Any:
    """Return what a text says, None where it is no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
