"""What a student must reach, and how its settings are searched where it does not."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from schemas.section import Fraction, Name, Section, Seed

Metric = Literal[
    "accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "span_precision",
    "span_recall",
    "span_f1",
    "f1_micro",
    "auc",
    "pearson",
    "r2",
    "overlap_f1",
]
Value = bool | int | float | str


class Target(Section):
    """What a student must reach on the validation split, as the mean over its seeds.

    The epoch whose weights are kept is the one with the largest `metric`.
    """

    metric: Metric = "accuracy"
    at_least: Fraction


class Range(Section):
    """Numbers from `low` to `high`, whole ones where both are; with `log`, by their logarithm."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("low must be below high, and above 0 with log")
        return self


def _tag(value: object) -> str:
    return "range" if isinstance(value, dict | Range) else "choices"


Choices = Annotated[tuple[Value, ...], Field(min_length=2)]
Searched = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")], Discriminator(_tag)
]


class Adjust(Section):
    """The search for settings that reach the target; every trial reads the same table.

    Attributes:
      seed: of the search.
      trials: settings that are tried at most; the search ends with the first that reaches the
        target.
      minutes: after which no trial is begun; no limit unless stated.
      student: whose settings; the first unless stated. Trials use the first of its seeds.
      search: by key of `[train]`, or `student.` and a key of the student (`student.kind`,
        `student.options.units`): a range, or a list of values.
    """

    seed: Seed
    trials: int = Field(default=20, ge=1, le=100_000)
    minutes: float | None = Field(default=None, gt=0)
    student: Name | None = None
    search: dict[str, Searched] = Field(min_length=1)
