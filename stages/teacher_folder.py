"""A teacher on disk: `teacher.keras`, `vocab.txt`, `teacher.json`. Read here without TensorFlow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import TeacherError
from schemas.provenance import digest_file, fingerprint
from schemas.teacher_card import CARD_FILE, MODEL_FILE, VOCABULARY_FILE, TeacherCard


@dataclass(frozen=True)
class TeacherFolder:
    """A teacher that is there.

    Attributes:
      path: its folder.
      card: its card.
      fingerprint: of everything that decides its logits.
    """

    path: Path
    card: TeacherCard
    fingerprint: str

    @property
    def model_path(self) -> Path:
        """The Keras file."""
        return self.path / MODEL_FILE

    @property
    def vocabulary_path(self) -> Path:
        """The wordpiece vocabulary, one piece a line."""
        return self.path / VOCABULARY_FILE


def open_teacher(path: Path, *, classes: tuple[str, ...]) -> TeacherFolder:
    """Return the teacher in a folder, whose classes must be those asked for, in that order.

    Raises:
      TeacherError: a file is missing or damaged, or the classes differ.
    """
    card = read_card(path)
    for name in (MODEL_FILE, VOCABULARY_FILE):
        if not (path / name).is_file():
            raise TeacherError(f"teacher is not whole: {path}: no {name}. Make it again.")
    if card.classes != classes:
        raise TeacherError(
            f"teacher has other classes: {path}: found {len(card.classes)} "
            f"({', '.join(card.classes[:12])}), expected {len(classes)} "
            f"({', '.join(classes[:12])}). Use its classes in its order, or another teacher."
        )
    return TeacherFolder(path, card, _fingerprint(path, card))


def read_card(path: Path) -> TeacherCard:
    """Return a teacher folder's card.

    Raises:
      TeacherError: there is none, or it does not hold.
    """
    try:
        return TeacherCard.model_validate_json((path / CARD_FILE).read_bytes())
    except FileNotFoundError:
        raise TeacherError(
            f"no teacher: {path}: no {CARD_FILE}. Run `teach`, or mend teacher.path."
        ) from None
    except (ValidationError, OSError) as error:
        said = str(error).splitlines()[0]
        raise TeacherError(f"teacher card cannot be read: {path / CARD_FILE}: {said}.") from error


def _fingerprint(path: Path, card: TeacherCard) -> str:
    return fingerprint(
        {
            "weights_and_config": digest_file(path / MODEL_FILE),
            "vocabulary": digest_file(path / VOCABULARY_FILE),
            "classes": card.classes,
            "max_length": card.max_length,
            "lowercase": card.lowercase,
            "backend": "tensorflow",
            "compute_dtype": "float32",
            "maths_mode": os.environ.get("TF_SET_ONEDNN_FPMATH_MODE", ""),
        }
    )
