"""What a search for settings found: a part of the report, and `adjust/adjustment.json`."""

from __future__ import annotations

from typing import Literal

from schemas.adjust_section import Metric, Value
from schemas.measured import Measured


class Trial(Measured):
    """One setting.

    Attributes:
      values: by key of the search.
      state: `complete`; `pruned`, given up early for being worse than others were by then; or
        `failed`, with `why`.
      quality: largest value of the target's metric on validation, of the first seed; of a pruned
        one up to then.
      parameters, latency_ms_batch_1: of a complete one.
      pareto: no complete one is at least as good, as small and as fast, and better in one of these.
    """

    number: int
    values: dict[str, Value]
    state: Literal["complete", "pruned", "failed"]
    epochs: int
    quality: float | None = None
    parameters: int | None = None
    latency_ms_batch_1: float | None = None
    why: str | None = None
    pareto: bool = False


class Adjustment(Measured):
    """A search: every trial, and the number of the best.

    Attributes:
      reached: whether the best is at least `at_least` on validation, with the first seed.
    """

    fingerprint: str
    student: str
    metric: Metric
    at_least: float
    reached: bool
    best: int | None
    trials: tuple[Trial, ...]
