"""How the table is written, as a run file states it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.layout import Encoding, Precision
from schemas.section import Count, Fraction, Section, Seed, Share

GATES = (
    "accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "f1_micro",
    "pearson",
    "r2",
    "answer_f1",
    "exact_match",
)


class Augmenter(Section):
    """How some of an example's views are made.

    Attributes:
      kind: a module of `stages/views/augmenters`, or `module:function`; several joined by `+`
        follow one another.
      count: views made so.
      rate: share of words that are touched.
      token: what `mask` writes.
    """

    kind: str = Field(min_length=1)
    count: int = Field(default=1, ge=1, le=1000)
    rate: float = Field(default=0.1, gt=0, le=1)
    token: str = "[MASK]"


class Views(Section):
    """Augmented views of every train input, each labelled by the teacher as it is."""

    seed: Seed
    augmenters: tuple[Augmenter, ...] = Field(min_length=1)

    def each(self) -> Iterator[Augmenter]:
        """Yield the augmenter of each view, in order."""
        for augmenter in self.augmenters:
            for _ in range(augmenter.count):
                yield augmenter

    @property
    def count(self) -> int:
        """Views of one input."""
        return sum(augmenter.count for augmenter in self.augmenters)


class Label(Section):
    """How the table is written. Rows do not depend on `batch_tokens` beyond float rounding.

    Attributes:
      num_shards: files per split, and points where an interrupted run goes on.
      precision: of the logits as they are kept (of a regression float32 unless stated); `auto`
        takes the smallest encoding whose mean KL from this teacher's own logits, on a sample, is
        within `kl_budget_nats`.
      top_k: keep only so many of the largest logits and the mass of the others; all unless stated.
      kl_budget_nats: what `auto` may lose.
      batch_tokens: padded tokens in a batch for the teacher.
      too_long: an input that does not fit the teacher's window is cut and counted, or goes to
        the quarantine.
      max_teacher_calls: inputs that the teacher may be asked for one version, over all attempts,
        those that failed or were ended too; one where it would be more asks nothing.
      views: augmented views; none unless stated.
      max_unseen: share of the positions (of a head per example: of the inputs) of a sample that may
        have no piece in the teacher's window; above it the teacher is not asked. Not all may.
      max_unknown: share of the inputs of a sample that may have a piece which the teacher's
        tokenizer does not know.
      max_quarantined: rows that may be left out: a count, or (with a decimal point) a share.
        Above it nothing is committed.
      min_teacher_*: what the teacher must reach on the hard labels of validation (of test, where
        validation has none); below it nothing is committed.
    """

    num_shards: int = Field(default=8, ge=1, le=65536)
    precision: Precision | Literal["auto"] = "float16"
    top_k: int | None = Field(default=None, ge=1)
    kl_budget_nats: float = Field(default=1e-3, gt=0)
    batch_tokens: int = Field(default=2048, ge=1, le=10**9)
    too_long: Literal["truncate", "quarantine"] = "truncate"
    max_unseen: Share | None = None
    max_unknown: Share | None = None
    max_quarantined: Count | Fraction = 0
    max_teacher_calls: int | None = Field(default=None, ge=0)
    views: Views | None = None
    min_teacher_accuracy: Fraction | None = None
    min_teacher_precision_macro: Fraction | None = None
    min_teacher_recall_macro: Fraction | None = None
    min_teacher_f1_macro: Fraction | None = None
    min_teacher_f1_micro: Fraction | None = None
    min_teacher_pearson: Fraction | None = None
    min_teacher_r2: Fraction | None = None
    min_teacher_answer_f1: Fraction | None = None
    min_teacher_exact_match: Fraction | None = None

    @model_validator(mode="after")
    def _auto_chooses_all(self) -> Self:
        if self.precision == "auto" and self.top_k is not None:
            raise ValueError('`top_k` is chosen by precision = "auto"; state one or the other')
        return self

    @property
    def encoding(self) -> Encoding | None:
        """How logits are kept; None where that is to be chosen."""
        if self.precision == "auto":
            return None
        return Encoding(precision=self.precision, top_k=self.top_k)

    @property
    def tolerant(self) -> bool:
        """Whether any row may be left out."""
        return self.max_quarantined > 0

    def allows_quarantined(self, quarantined: int, *, rows: int) -> bool:
        """Return whether so many rows of so many may be left out."""
        limit = self.max_quarantined
        return quarantined <= (limit if isinstance(limit, int) else limit * rows)
