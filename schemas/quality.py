"""How good the teacher is on the hard labels of its corpus, as the card of a table says it."""

from __future__ import annotations

from pydantic import Field

from schemas.measured import Measured
from schemas.scores import LabelScores, PointerScores, ValueScores
from schemas.spans import SpanScores

MOST_CANDIDATES = 20  # of rows whose label may be wrong


class ClassScores(Measured):
    """One class; what is undefined for it counts 0."""

    name: str
    support: int
    precision: float
    recall: float
    f1: float


class SplitQuality(Measured):
    """The teacher on one split's labelled rows.

    Attributes:
      calibration_error: expected calibration error, in [0, 1].
      nll_nats: mean negative log-likelihood of the hard label.
      spans: where the classes mark some; rows are then words.
      calibrating_temperature: the one that makes `nll_nats` smallest; above 1 the teacher is too
        sure of itself.
    """

    rows: int
    accuracy: float
    precision_macro: float
    recall_macro: float
    f1_macro: float
    calibration_error: float
    nll_nats: float
    calibrating_temperature: float
    classes: tuple[ClassScores, ...]
    spans: SpanScores | None = None


AnyQuality = SplitQuality | LabelScores | ValueScores | PointerScores


class NoiseCandidate(Measured):
    """A row whose hard label the teacher finds very unlikely: the label may be wrong.

    `position` is where in the row, from 0, where it has several labels.
    """

    probability: float
    label: str
    teacher_says: str
    example_id: str
    source_file: str
    source_row: int
    position: int | None = None


class TeacherQuality(Measured):
    """Quality by split, and the rows whose hard label is least likely, the least likely first.

    `class_rows` is how many labelled rows, or positions, each split has of each class, train too;
    empty of heads without classes, and of cards before they were counted.
    """

    splits: dict[str, AnyQuality]
    noise_candidates: tuple[NoiseCandidate, ...] = ()
    class_rows: dict[str, dict[str, int]] = Field(default={}, exclude_if=lambda found: not found)


class RuntimeCheck(Measured):
    """A teacher that was converted, beside the one it was converted from, on a sample.

    Attributes:
      runtime: what it was converted for.
      inputs: distinct inputs that both answered.
      largest_difference: of a logit.
      times_as_fast: seconds before / seconds after, on this machine.
    """

    runtime: str
    inputs: int
    largest_difference: float
    times_as_fast: float
