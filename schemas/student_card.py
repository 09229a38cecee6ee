"""The card of a student folder: what determined a student, and how its training went."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.heads import HeadKind, HeadPer
from schemas.train_section import Student

STUDENT_CARD_FILE = "student.json"
STUDENT_MODEL_FILE = "student.keras"

Role = Literal["student", "baseline"]


class StudentCard(BaseModel):
    """`student.json` beside `student.keras` and `vocab.txt`.

    Attributes:
      fingerprint: of the table, the student, how it was trained and the seed.
      role: `student` (taught), or `baseline` (the same on hard labels only).
      kind: what is said of each class.
      per: what has a class.
      pairs: whether it takes pairs of texts.
      epochs: training and validation figures, an entry an epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = 1
    fingerprint: str
    student: Student
    role: Role
    seed: int
    classes: tuple[str, ...]
    kind: HeadKind = "softmax"
    per: HeadPer = "example"
    pairs: bool = False
    max_length: int
    lowercase: bool
    parameters: int
    epochs: tuple[dict[str, float], ...]
