"""The card of a teacher folder: what must be known of a teacher before it is loaded."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from schemas.report import Speed
from schemas.scores import AnyScores

CARD_FILE = "teacher.json"
MODEL_FILE = "teacher.keras"
VOCABULARY_FILE = "vocab.txt"


class TeacherCard(BaseModel):
    """`teacher.json` beside `teacher.keras` and `vocab.txt`.

    Attributes:
      classes: class names in the order of the logits.
      max_length: tokens of the longest input, [CLS] and [SEP] counted.
      lowercase: whether text is lower-cased and stripped of accents.
      vocabulary: digest of `vocab.txt` (`digest_file`), which the file is held to; where it is not
        stated, as in cards from elsewhere, a vocabulary has [PAD] first and as many pieces as the
        model has word embeddings.
      fitted_from: fingerprint of what it was fine-tuned from; None for a teacher from elsewhere.
      scores: by split, on the hard labels, where measured.
      epochs: training and validation figures, an entry an epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format_version: int = 1
    classes: tuple[str, ...]
    max_length: int = Field(ge=3)
    lowercase: bool
    vocabulary: str | None = None
    fitted_from: str | None = None
    scores: dict[str, AnyScores] = {}
    epochs: tuple[dict[str, float], ...] = ()


MEASURES_VERSION = 2


class WordEmbeddings(BaseModel):
    """The teacher's word embeddings, float32 [pieces, width], and the digest of their file."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    pieces: int
    width: int
    digest: str


class TeacherMeasures(BaseModel):
    """What a report says of the teacher without loading it; written beside the table.

    Attributes:
      fingerprint: of the teacher.
      lowercase: how its tokenizer reads text.
      parameters, file_bytes: its size; 0 where that is not known.
      speed: of one call; None for one that cannot be asked.
      embeddings: of its words, beside this file; None where it has none for the vocabulary.
      format_version: 2 since embeddings are written; those before are written anew.
      vocabulary_made_for: plan whose train split the vocabulary was made from; None for the
        teacher's own.
      vocabulary_digest: of `vocab.txt`; None of measures that did not say it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format_version: int = 1

    fingerprint: str
    lowercase: bool
    parameters: int
    file_bytes: int
    speed: Speed | None
    embeddings: WordEmbeddings | None = None
    vocabulary_made_for: str | None = None
    vocabulary_digest: str | None = None
