"""The card of a student of several tasks: what determined it, and how its training went."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from schemas.heads import Head
from schemas.student_card import Role
from schemas.train_section import Student

MULTI_TASK_CARD_FILE = "tasks.json"
MEAN_FIGURE = "val_mean"  # over the tasks, of the figure that decides for each


class MultiTaskCard(BaseModel):
    """`tasks.json` beside `student.keras`, which has an output for each task, and `vocab.txt`.

    Attributes:
      fingerprint: of the tables, the student, how it was trained and the seed.
      role: `student` (taught), or `baseline` (the same on hard labels only).
      tasks: what each output predicts, by its name.
      epochs: training and validation figures, an entry an epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = 1
    fingerprint: str
    student: Student
    role: Role
    seed: int
    tasks: dict[str, Head]
    max_length: int
    lowercase: bool
    parameters: int
    epochs: tuple[dict[str, float], ...]
