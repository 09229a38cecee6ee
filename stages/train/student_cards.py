"""The cards of trained students, read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from schemas.errors import StudentError, first_line
from schemas.student_card import StudentCard, TrainedCard
from stages.machine.cards import card_in

Card = TypeVar("Card", bound=TrainedCard)


def read_student_card(path: Path) -> StudentCard:
    """Return a student folder's card.

    Raises:
      StudentError: there is none, or it does not hold.
    """
    return read_trained(path, StudentCard)


def read_trained(path: Path, kind: type[Card]) -> Card:
    """Return the card of a kind that is in a student's folder.

    Raises:
      StudentError: there is none, or it does not hold.
    """
    try:
        return card_in(path / kind.file, kind)
    except OSError as error:
        said = f"{kind.file}: {error.strerror or first_line(error)}"
        raise StudentError(f"{kind.absent}: {path}: {said}. {kind.remedy}") from error
    except ValueError as error:
        raise StudentError(
            f"student's card cannot be read: {path / kind.file}: {error}. {kind.remedy}"
        ) from error
