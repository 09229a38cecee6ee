"""The card of an exported student: what it takes, and what it said when it was loaded again."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.export_formats import ExportFormat
from schemas.head_kinds import USUAL_KIND, HeadKind
from schemas.heads import HeadPer

EXPORTED_FOLDER = "exported"
EXPORT_CARD_FILE = "export.json"


class ExportCard(BaseModel):
    """`export.json` beside the model.

    Attributes:
      student_fingerprint: of the student that was exported.
      takes: `text` strings; `words`, strings that "" pads; or `token_ids` as `vocab.txt` numbers
        them, padded with 0 to the shape.
      shape: of the input; null for any.
      rows: of the test split, which were asked in batches in a process of its own, and compared
        with the student itself.
      kind: of the head: what the logits are.
      per: what has logits. Those of `token` are of each word, NaN of one that the student does not
        see; from `token_ids` they are of each of these, and a word's are those of its first piece.
      stride: of words: a row that is longer than `max_length` is several such rows, each from
        [CLS] to [SEP], which share so many pieces; what ends with [SEP] and asks begins each.
      largest_difference: of a logit (of numbers, as a share of the largest); for an 8-bit model
        that is what rounding costs.
      agreement: share of the texts with the same class; of pairs of text and class with the same
        word, at `thresholds`; of numbers that are within a hundredth of their deviation.
      milliseconds_a_text: for one text, or one window of it, at a time; the median of the first
        thousand.
      thresholds: of a `sigmoid` head, by class the probability from which on it is said; tuned on
        validation with the student itself, null where nothing there is labelled.
      confidence: of a head with `out_of_scope`, that of the likeliest class below which a text is
        of none; tuned on validation, null where it has no such text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format_version: int = 3
    format: ExportFormat
    student_fingerprint: str
    classes: tuple[str, ...]
    kind: HeadKind = USUAL_KIND
    per: HeadPer = "example"
    takes: Literal["text", "words", "token_ids"]
    shape: tuple[int | None, ...]
    lowercase: bool
    max_length: int
    stride: int | None = None
    size_bytes: int
    rows: int
    largest_difference: float
    agreement: float
    milliseconds_a_text: float
    thresholds: tuple[float, ...] | None = None
    confidence: float | None = None
