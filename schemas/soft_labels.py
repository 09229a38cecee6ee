"""What is written into the commit of a soft-label table: its card."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.across import Across
from schemas.crossing import crossing_text
from schemas.heads import Head
from schemas.input_kinds import FeatureKind
from schemas.layout import Encoding, Layout, Precision
from schemas.quality import RuntimeCheck, TeacherQuality

FORMAT_VERSION = 7  # of a table with one head
JOINED_FORMAT_VERSION = 8  # of one with several
READABLE_VERSIONS = (1, 2, 3, 4, 5, 6, FORMAT_VERSION, JOINED_FORMAT_VERSION)

OTHER_CALLS = {
    "preflight": "to check and time it first",
    "encoding": "to choose the encoding",
    "runtime": "to compare its runtimes",
    "again": "in attempts that did not end, or to find what it fails on",
}


class Counts(BaseModel):
    """What a label run did. `rows` is rows read and, once checked, rows written.

    Attributes:
      rows: corpus rows in the table; `rows + quarantined + left_out` were read.
      distinct_inputs: different teacher inputs among them: those reused and those called.
      teacher_calls: inputs that the teacher was asked for this version, over all attempts.
      teacher_seconds: time spent in the teacher for them, but in shards that were not finished.
      truncated: inputs among the calls that are longer than the teacher's window.
      reused_inputs: inputs whose answer the version before had.
      removed_inputs: inputs of the version before, by this teacher, that left the corpus.
      teacher_seconds_saved: what the reused answers cost when they were made.
      resumed_shards: shards kept from an interrupted attempt.
      split_rows: corpus rows by split; those of `aside` are kept for their answers only.
      views: augmented rows, beside `rows`.
      left_out: unlabelled rows whose text the labelled corpus has, and `crossing_left_out`.
      quarantined: corpus rows that cannot be used, each with its reason in the quarantine.
      unseen_positions: positions of corpus rows and views that the teacher was to see and did not.
      crossing_inputs: inputs of the labelled corpus that are in several splits, before any of their
        rows was left out; None of a table that was made before they were counted.
      crossing_splits: these by the splits that they are in (`train, test`).
      crossing_left_out: those of `left_out` that an input has in a split that is held out less.
      views_left_out: views that were none, for they are an input of validation or test.
      other_calls: those of `teacher_calls` that gave no input its answer, by what they were for: a
        name of `OTHER_CALLS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    rows: int
    distinct_inputs: int
    teacher_calls: int
    teacher_seconds: float
    truncated: int
    resumed_shards: int
    split_rows: dict[str, int]
    reused_inputs: int = 0
    removed_inputs: int = 0
    teacher_seconds_saved: float = 0.0
    quarantined: int = 0
    views: int = 0
    left_out: int = 0
    unseen_positions: int = 0
    other_calls: dict[str, int] = Field(default={}, exclude_if=lambda found: not found)
    crossing_inputs: int | None = Field(default=None, exclude_if=lambda count: count is None)
    crossing_splits: dict[str, int] = Field(default={}, exclude_if=lambda counts: not counts)
    crossing_left_out: int = Field(default=0, exclude_if=lambda count: not count)
    views_left_out: int = Field(default=0, exclude_if=lambda count: not count)

    @property
    def crossing_said(self) -> str | None:
        """How many inputs are in several splits; None where none is, or where nobody counted."""
        if not self.crossing_inputs:
            return None
        return crossing_text(
            self.crossing_inputs, self.crossing_splits, left_out=self.crossing_left_out
        )


class ChosenEncoding(BaseModel):
    """How logits are kept, and on a sample of them what that costs, where it was measured.

    Attributes:
      bytes_per_row: of the compressed logit columns.
      kl_nats: mean KL from the teacher's logits to those kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    encoding: Encoding
    bytes_per_row: float | None = None
    kl_nats: float | None = None


class CombinedTeacher(BaseModel):
    """One of the teachers whose mean a table holds.

    Attributes:
      teacher_fingerprint, plan_fingerprint: of its own table.
      weight: its share of the mean.
      missing_rows: rows, views among them, that its table lacked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    teacher_fingerprint: str
    plan_fingerprint: str
    weight: float
    missing_rows: int


class TableCard(BaseModel):
    """What is written into the commit that makes a table version visible.

    Attributes:
      kl_nats: mean KL from the teacher's logits to those kept, on a sample; where measured.
      quality: of the teacher, on the hard labels.
      teachers: those whose mean it holds; empty where it is one teacher's.
      runtime_check: of a converted teacher against the one it was converted from.
      across: of a head's part of a table of several, what other tasks hold out; `counts` are
        without what is left out of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format_version: int
    plan_fingerprint: str
    teacher_fingerprint: str
    corpus_digest: str
    code_version: str
    features: tuple[str, ...]
    feature_kinds: dict[str, FeatureKind] = {}
    head: Head
    num_shards: int
    precision: Precision
    top_k: int | None = None
    kl_nats: float | None = None
    counts: Counts
    quality: TeacherQuality | None = None
    runtime_check: RuntimeCheck | None = None
    teachers: tuple[CombinedTeacher, ...] = ()
    across: Across | None = Field(default=None, exclude_if=lambda found: found is None)
    run_file: dict[str, Any]

    @property
    def encoding(self) -> Encoding:
        """How its logits are kept."""
        return Encoding(precision=self.precision, top_k=self.top_k)

    @property
    def layout(self) -> Layout:
        """Its columns."""
        return Layout(
            features=self.features,
            feature_kinds=self.feature_kinds,
            head=self.head,
            encoding=self.encoding,
        )
