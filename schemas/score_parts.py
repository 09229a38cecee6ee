"""Parts of scores: of one interval of probabilities, of one class, of rows out of scope."""

from __future__ import annotations

from schemas.measured import Measured


class ReliabilityBin(Measured):
    """Predictions whose probability falls into one interval."""

    lower: float
    upper: float
    count: int
    confidence: float
    accuracy: float


class ScopeScores(Measured):
    """Rows of none of the classes, told from the others by a model's confidence.

    Attributes:
      outside_rows: how many there are.
      confidence: of the likeliest class, below which a row is refused; tuned on validation.
      auc: probability that a row out of scope has the lower confidence; needs no threshold.
      precision, recall: of refused rows.
      accuracy_inside: on the rows in scope, where one that is refused is wrong.
    """

    outside_rows: int
    confidence: float
    auc: float
    precision: float
    recall: float
    accuracy_inside: float


class LabelClass(Measured):
    """One class of several that a row may have; what is undefined for it counts 0.

    `threshold` is the probability from which on it is said.
    """

    name: str
    threshold: float
    support: int
    precision: float
    recall: float
    f1: float
