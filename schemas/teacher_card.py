"""The card of a teacher folder: what must be known of a teacher before it is loaded."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from schemas.report import Scores, Speed

CARD_FILE = "teacher.json"
MODEL_FILE = "teacher.keras"
VOCABULARY_FILE = "vocab.txt"


class TeacherCard(BaseModel):
    """`teacher.json` beside `teacher.keras` and `vocab.txt`.

    Attributes:
      classes: class names in the order of the logits.
      max_length: tokens of the longest input, [CLS] and [SEP] counted.
      lowercase: whether text is lower-cased and stripped of accents.
      fitted_from: fingerprint of what it was fine-tuned from; None for a teacher from elsewhere.
      scores: by split, on the hard labels, where measured.
      epochs: training and validation figures, an entry an epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = 1
    classes: tuple[str, ...]
    max_length: int = Field(ge=3)
    lowercase: bool
    fitted_from: str | None = None
    scores: dict[str, Scores] = {}
    epochs: tuple[dict[str, float], ...] = ()


class TeacherMeasures(BaseModel):
    """What a report says of the teacher without loading it; written beside the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    lowercase: bool
    parameters: int
    file_bytes: int
    speed: Speed | None
