"""The card of a student folder: what determined a student, and how its training went."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.head_kinds import USUAL_KIND, HeadKind
from schemas.heads import HeadPer
from schemas.train_section import Student

STUDENT_CARD_FILE = "student.json"
STUDENT_MODEL_FILE = "student.keras"

Role = Literal["student", "baseline"]


class TrainedCard(BaseModel):
    """What the cards of trained students share.

    Attributes:
      fingerprint: of what it learned from, the student, how it was trained and the seed.
      role: `student` (taught), or `baseline` (the same on hard labels only).
      epochs: training and validation figures, an entry an epoch.
      vocabulary: digest of `vocab.txt` (`digest_file`), which the file is held to; None of cards
        before this was said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    file: ClassVar[str]
    absent: ClassVar[str]  # what is said where there is none,
    remedy: ClassVar[str]  # and what to do

    format_version: int = 1
    fingerprint: str
    student: Student
    role: Role
    seed: int
    max_length: int
    lowercase: bool
    parameters: int
    epochs: tuple[dict[str, float], ...]
    vocabulary: str | None = Field(default=None, exclude_if=lambda digest: digest is None)


class StudentCard(TrainedCard):
    """`student.json` beside `student.keras` and `vocab.txt`.

    Attributes:
      kind: what is said of each class.
      per: what has a class.
      pairs: whether it takes pairs of texts.
      stride: of words: pieces that windows share, through which a row is seen that is longer than
        `max_length`; None where it is cut.
      kept_by: the figure of validation whose best epoch's weights these are; None of a student of
        several tasks, which the mean over these decides, and of cards before this was said.
    """

    file = STUDENT_CARD_FILE
    absent = "no student"
    remedy = "Run `train`, or `adjust` where settings are searched."

    classes: tuple[str, ...]
    kind: HeadKind = USUAL_KIND
    per: HeadPer = "example"
    pairs: bool = False
    stride: int | None = None
    kept_by: str | None = None
