"""The measurements of a run: `report.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from schemas.adjustment import Adjustment
from schemas.export_card import ExportCard
from schemas.measured import Measured
from schemas.scores import AnyScores


class Speed(Measured):
    """CPU speed from raw strings to logits: medians of repeated calls.

    Attributes:
      calls: single ones that the latency is of.
      as_labelled: of a teacher, whether the throughput is of the batches in which it was asked for
        its table (`label.batch_tokens`), in one process, so that nothing more was asked.
      latency_ms_quartiles, examples_per_second_quartiles: the first and the third of the calls;
        None where they were not kept. Where students and baselines have them, all were measured in
        turns.
    """

    latency_ms_batch_1: float
    examples_per_second_batch_64: float
    calls: int
    as_labelled: bool = Field(default=False, exclude_if=lambda found: not found)
    latency_ms_quartiles: tuple[float, float] | None = Field(
        default=None, exclude_if=lambda found: found is None
    )
    examples_per_second_quartiles: tuple[float, float] | None = Field(
        default=None, exclude_if=lambda found: found is None
    )


class ModelResult(Measured):
    """One trained model: the teacher, or one student or baseline of one seed.

    Attributes:
      cut: of a student, inputs of the split that are longer than it sees and are cut; of words, how
        many of these it does not see. 0 of the teacher: the table's card has what it does not see.
    """

    name: str
    role: str
    seed: int | None
    scores: AnyScores
    parameters: int
    file_bytes: int
    speed: Speed | None
    cut: int
    epochs: tuple[dict[str, float], ...] = ()


class Summary(Measured):
    """One metric over seeds: mean, half-width of the 95 % interval (None for one seed)."""

    mean: float
    half_width: float | None
    values: tuple[float, ...]


class StudentSummary(Measured):
    """One student against its baseline.

    Attributes:
      retention: student's mean / teacher's, of the metric.
      metric: that verdict, retention and lift are of.
      lift: paired differences, student - baseline, seed by seed.
      helped: whether the interval of the lift is above 0; None without a baseline.
      verdict: one sentence that says whether distillation helped or hurt, if the seeds settle it.
    """

    name: str
    student: dict[str, Summary]
    baseline: dict[str, Summary] | None
    retention: float
    metric: str = "accuracy"
    lift: Summary | None
    helped: bool | None
    verdict: str


class Export(Measured):
    """An exported student; `seed` says which."""

    name: str
    seed: int
    card: ExportCard


class Report(Measured):
    """Everything that was measured in a run.

    Attributes:
      adjustment: the search that found the students' settings, where there was one.
      exports: of these students, as far as they were made.
      scarce: a line for each split that lacks classes, and for those with few rows in train.
    """

    format_version: Literal[2] = 2
    fingerprint: str
    name: str
    split: str
    classes: tuple[str, ...]
    seeds: tuple[int, ...]
    table: dict[str, Any]
    teacher: ModelResult
    models: tuple[ModelResult, ...]
    students: tuple[StudentSummary, ...]
    adjustment: Adjustment | None = None
    exports: tuple[Export, ...] = ()
    scarce: tuple[str, ...] = ()
