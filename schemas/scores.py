"""Quality of one model on one split's labelled rows, by what the head predicts.

Every kind of scores says itself which metric is its headline and which are shown, so that nothing
that compares, prints or plots has to know the kinds.
"""

from __future__ import annotations

from pydantic import Field

from schemas.measured import Measured
from schemas.score_parts import LabelClass, ReliabilityBin, ScopeScores
from schemas.spans import SpanScores

TITLES = {
    "accuracy": "accuracy",
    "agreement": "agreement",
    "answer_f1": "F1",
    "auc": "AUC",
    "average_precision": "AP",
    "calibration_error": "ECE",
    "exact_match": "EM",
    "f1_macro": "F1 macro",
    "f1_micro": "F1 micro",
    "has_answer_f1": "F1 with answer",
    "log_loss": "log loss",
    "mean_absolute_error": "MAE",
    "mean_squared_error": "MSE",
    "no_answer_accuracy": "no answer",
    "overlap_f1": "F1 by place",
    "pearson": "Pearson",
    "precision_macro": "precision",
    "r2": "R²",
    "recall_macro": "recall",
    "root_mean_squared_error": "RMSE",
    "span_f1": "span F1",
    "span_precision": "span precision",
    "span_recall": "span recall",
    "spearman": "Spearman",
}


class Figures(Measured):
    """What all kinds of scores have: numbers by name, of which some are shown.

    Attributes:
      rows: labelled rows counted.
      agreement: with the teacher's answers, 1 for equal; None for the teacher.
      judged_by: the metric of the run's target, where it states one that is measured here.
    """

    rows: int
    agreement: float | None = None
    judged_by: str | None = Field(default=None, exclude_if=lambda stated: stated is None)

    @property
    def figures(self) -> dict[str, float]:
        """Every metric by its name, as far as it was measured."""
        stated = {name: getattr(self, name, None) for name in TITLES}
        return {name: value for name, value in stated.items() if value is not None}

    @property
    def headline(self) -> str:
        """The metric that verdict and retention are of; more is better."""
        return self.judged_by or self.usual[0]

    @property
    def shown(self) -> tuple[str, str, str, str]:
        """The four metrics of the table, the headline first and agreement third."""
        others = [name for name in self.usual if name not in (self.headline, "agreement")]
        return (self.headline, others[0], "agreement", others[-1])

    @property
    def detailed(self) -> tuple[str, ...]:
        """The metrics of the report's table beside agreement and calibration."""
        return tuple(dict.fromkeys((self.headline, *self.listed)))

    @property
    def usual(self) -> tuple[str, str, str, str]:
        """The metrics that are shown where no target says otherwise."""
        raise NotImplementedError

    @property
    def listed(self) -> tuple[str, ...]:
        """Those that are detailed."""
        raise NotImplementedError

    @property
    def lines(self) -> str:
        """What `rows` counts."""
        return "rows"

    @property
    def parts(self) -> str:
        """What a model that does not see all of an input lacks."""
        return "inputs" if self.lines == "rows" else self.lines

    @property
    def bins(self) -> tuple[ReliabilityBin, ...]:
        """How sure and how right it is, where that is measured."""
        found: tuple[ReliabilityBin, ...] = getattr(self, "reliability", ())
        return found


class Scores(Figures):
    """Of one class a row.

    Attributes:
      precision_macro, recall_macro, f1_macro: unweighted means over the classes that occur in the
        hard labels or the predictions, as scikit-learn has it; one that has only the one or the
        other counts 0 in what is undefined for it.
      calibration_error: expected calibration error, in [0, 1].
      agreement: share of rows where the top class is the teacher's.
      confusion: rows by (hard label, prediction).
      by_position: whether `rows` are words, or other positions.
      spans: where the classes mark some.
      scope: where rows of none of the classes are stated.
    """

    accuracy: float
    precision_macro: float
    recall_macro: float
    f1_macro: float
    calibration_error: float
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]
    by_position: bool = False
    spans: SpanScores | None = None
    scope: ScopeScores | None = None

    @property
    def figures(self) -> dict[str, float]:
        """Every metric by its name, with those of spans."""
        if self.spans is None:
            return super().figures
        spans = {
            f"span_{name}": getattr(self.spans, name) for name in ("precision", "recall", "f1")
        }
        return {**super().figures, **spans}

    @property
    def usual(self) -> tuple[str, str, str, str]:
        """Accuracy first, or F1 of spans."""
        first = ("accuracy", "f1_macro") if self.spans is None else ("span_f1", "accuracy")
        return (*first, "agreement", "calibration_error")

    @property
    def listed(self) -> tuple[str, ...]:
        """Accuracy, precision, recall and F1; of spans where there are any."""
        kind = "{}_macro" if self.spans is None else "span_{}"
        return ("accuracy", *(kind.format(name) for name in ("precision", "recall", "f1")))

    @property
    def lines(self) -> str:
        """What `rows` counts."""
        return "words" if self.by_position else "rows"


class LabelScores(Figures):
    """Of any number of classes a row.

    Attributes:
      accuracy: share of rows of which every class is right.
      f1_micro: over all pairs of row and class; `_macro` are means over the classes that some row
        has or is said to have.
      average_precision: mean over the classes that a row has, of the area under the steps of
        precision over recall.
      auc: mean over the classes that some rows have and some do not, of the probability that one of
        the first has the larger logit; None where there is no such class.
      log_loss: mean binary cross-entropy, in nats.
      calibration_error: of the probabilities of all pairs.
      agreement: share of pairs that are decided as the teacher does, both at their thresholds.
    """

    accuracy: float
    f1_micro: float
    precision_macro: float
    recall_macro: float
    f1_macro: float
    average_precision: float
    auc: float | None
    log_loss: float
    calibration_error: float
    classes: tuple[LabelClass, ...]
    reliability: tuple[ReliabilityBin, ...]

    @property
    def usual(self) -> tuple[str, str, str, str]:
        """F1 over all pairs first; of one class, as of clicks, what ranks by it and its loss."""
        if len(self.classes) == 1:
            return ("f1_micro", "auc", "agreement", "log_loss")
        return ("f1_micro", "average_precision", "agreement", "calibration_error")

    @property
    def listed(self) -> tuple[str, ...]:
        """F1, precision, recall and what needs no threshold."""
        names = ("precision_macro", "recall_macro", "f1_macro", "average_precision", "auc")
        return ("f1_micro", *(name for name in names if name in self.figures))


class ValueScores(Figures):
    """Of a number a row.

    Attributes:
      pearson, spearman: correlation with the hard labels, of values and of ranks; 0 where one side
        is constant.
      r2: share of the hard labels' variance that is explained; below 0 where the mean of the hard
        labels alone would be nearer.
      agreement: Pearson's correlation with the teacher.
    """

    pearson: float
    spearman: float
    r2: float
    mean_absolute_error: float
    root_mean_squared_error: float

    @property
    def mean_squared_error(self) -> float:
        """The square of what is written."""
        return self.root_mean_squared_error**2

    @property
    def usual(self) -> tuple[str, str, str, str]:
        """Correlation of values first."""
        return ("pearson", "spearman", "agreement", "mean_absolute_error")

    @property
    def listed(self) -> tuple[str, ...]:
        """Both correlations, and how far off the numbers are."""
        return ("pearson", "spearman", "r2", "root_mean_squared_error", "mean_squared_error")


class PointerScores(Figures):
    """Of a span of words a row, or of none, as SQuAD counts it.

    Attributes:
      answer_f1: mean F1 of the answer's words, without case, punctuation and articles, with that of
        the right answers that is nearest; a row without an answer counts 1 where none is said.
      exact_match: share of rows whose answer is one of the right ones, in the same way.
      overlap_f1: mean F1 of the words by their places, with the first of the right answers.
      has_answer_f1: `answer_f1` of the rows that have an answer; None without any.
      no_answer_accuracy: share of the rows without an answer of which that is said; None without
        any.
      agreement: share of rows with the teacher's answer.
    """

    answer_f1: float
    exact_match: float
    overlap_f1: float
    has_answer_f1: float | None = None
    no_answer_accuracy: float | None = None

    @property
    def usual(self) -> tuple[str, str, str, str]:
        """F1 of the answers' words first."""
        return ("answer_f1", "exact_match", "agreement", "overlap_f1")

    @property
    def listed(self) -> tuple[str, ...]:
        """F1, exact match, and each of the rows with and without an answer."""
        names = ("answer_f1", "exact_match", "has_answer_f1", "no_answer_accuracy")
        return tuple(name for name in names if name in self.figures)

    @property
    def parts(self) -> str:
        """A context is read word by word."""
        return "words"


AnyScores = Scores | LabelScores | ValueScores | PointerScores
