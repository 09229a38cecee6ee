"""What a kind of head says of itself; everything else asks it, and never which one it is.

A kind is a module of this folder: `DECLARES` is for the run file, `KIND` is this. It speaks NumPy
and Arrow; what is of TensorFlow is imported where it is asked for, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.heads import Head
from schemas.scores import AnyScores
from stages.heads.metrics.classes import Classes
from stages.rows.columns import Labels
from stages.rows.pointers import Questions
from stages.rows.probabilities import Answers, Exact, Flags
from stages.rows.row_logits import RowLogits

if TYPE_CHECKING:
    import tensorflow as tf

    from stages.heads.losses import HardLoss
    from stages.heads.scores.figures import Figures

Owners = npt.NDArray[np.int64]
Suspicion = Callable[[Answers, Owners], bool]


class LabelledRows(Protocol):
    """Corpus rows under check: their columns, and how some are refused."""

    def text(self, name: str) -> pa.Array:
        """Return a column as text."""

    def lists(self, name: str) -> pa.Array:
        """Return a column of lists of texts."""

    def label_lists(self, name: str) -> pa.Array:
        """Return a column of lists of labels; text may be a JSON list."""

    def numbers(self, name: str) -> pa.Array:
        """Return a column as float64, null for none."""

    def is_number(self, name: str) -> bool:
        """Return whether a column is of numbers, or of truth values."""

    def refuse(
        self, mask: pa.Array, what: str, said: Callable[[int], str], column: str | None = None
    ) -> None:
        """Refuse the rows of a mask."""


@dataclass(frozen=True)
class LabelColumn:
    """What a corpus column of hard labels may hold.

    Attributes:
      several: a list a row.
      number: a number or a truth value.
      named: names of classes.
    """

    several: bool = False
    number: bool = False
    named: bool = True


@dataclass(frozen=True)
class Judging:
    """How answers are judged, and beside whose.

    Attributes:
      bins: intervals of equal width for calibration.
      teacher: its answers to the same rows, for the agreement.
      predicted: int64 [lines], the classes that count as said; the likeliest when None.
      teacher_predicted: likewise of the teacher, for the agreement.
      thresholds: by class, probabilities from which on it is said; 0.5 when None.
      teacher_thresholds: the teacher's, for the agreement.
      questions: what the rows ask, of a kind that points.
    """

    bins: int
    teacher: RowLogits | None = None
    predicted: Classes | None = None
    teacher_predicted: Classes | None = None
    thresholds: Sequence[float] | None = None
    teacher_thresholds: Sequence[float] | None = None
    questions: Questions | None = None


class Kind(Protocol):
    """A kind of head.

    Attributes:
      has_class_numbers: whether a label by line is the number of a class, int64, -1 for none; else
        it is float32 [classes], NaN for none.
      counts_classes: whether hard labels are names of classes, of which some may be rare.
      sum_of_probabilities: what is said of them beside that they are in [0, 1].
      may_look_like_probabilities: whether logits in [0, 1] may be chance, so that they are believed
        where they are stated to be logits.
      has_thresholds: whether classes are said from thresholds on that validation decides.
      starts_at_mean: whether an output begins at the mean of what it learns.
      activation: what a model that answers with its probabilities ends with.
      no_logits: the activations that a student of logits cannot end with.
      problem: what transformers calls it, where it has a name for it.
    """

    has_class_numbers: bool = False
    counts_classes: bool = False
    sum_of_probabilities: str = ""
    may_look_like_probabilities: bool = False
    has_thresholds: bool = False
    starts_at_mean: bool = False
    activation: str | None = None
    no_logits: tuple[str, ...] = ()
    problem: str | None = None

    def column(self, head: Head) -> LabelColumn:
        """Return what the corpus column of its hard labels may hold."""

    def hard_labels(self, rows: LabelledRows, head: Head, *, of: pa.Array) -> pa.Array:
        """Return the label column of corpus rows, null for none; refuse labels that do not fit.

        Args:
          rows: under check.
          head: for its column and classes.
          of: the first feature, whose positions those are of a head by position.
        """

    def labels_by_line(
        self, labels: pa.ChunkedArray, head: Head, *, of: pa.ChunkedArray | None
    ) -> Labels:
        """Return the labels of a table's rows, or of each of their positions `of` a feature."""

    def rows_of_probabilities(self, answers: Answers) -> Flags:
        """Return bool [rows]: which answers are probabilities, as one of its teachers says them."""
        return np.zeros(len(answers), np.bool_)

    def are_probabilities(self, answers: Answers) -> bool:
        """Return whether answers must be probabilities, and can be no logits."""
        return len(answers) > 0 and bool(self.rows_of_probabilities(answers).all())

    def logits_of_probabilities(self, answers: Answers) -> Answers:
        """Return the float32 logits that probabilities stand for; a kind without any has none."""
        raise ValueError(f"no probabilities: {type(self).__name__} has logits alone.")

    def suspicion(self) -> tuple[Suspicion, str]:
        """Return what tells of batches of logits whether they must be probabilities, and its words.

        It is asked of each batch with float32 [lines, classes] and int64 [lines], the row of each.
        """

    def rows_to_judge(self, classes: int) -> int:
        """Return how many rows tell whether a teacher answers with probabilities."""
        return 2

    def pairs(self, answers: RowLogits, others: RowLogits) -> tuple[Answers, Answers]:
        """Return the lines that both have, as they can be compared."""
        both = answers.seen & others.seen
        return answers.values[both], others.values[both]

    def divergence(self, answers: Exact, others: Exact) -> float:
        """Return the mean KL(answers ‖ others) over lines, in nats."""

    def share_of_others(self, answers: Answers, others: Answers) -> float:
        """Return the share of lines that say something else."""
        return float((answers.argmax(axis=1) != others.argmax(axis=1)).mean())

    def size(self, answers: Answers) -> float:
        """Return what a difference of answers is measured by."""
        return 1.0

    def score(self, answers: RowLogits, labels: Labels, *, head: Head, how: Judging) -> AnyScores:
        """Return the quality of answers to rows against `labels_by_line`.

        Raises:
          ValueError: no line has a label.
        """

    def thresholds(self, answers: RowLogits, labels: Labels) -> list[float] | None:
        """Return the probability of each class from which on it is said, where that is tuned."""
        return None

    def figures(self, head: Head, *, kept_by: str | None) -> Figures:
        """Return what is measured while a student trains; `kept_by` keeps an epoch."""

    def hard_loss(self) -> HardLoss:
        """Return a student's loss against hard labels."""

    def lines(
        self, logits: tf.Tensor, targets: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
        """Return a batch as its losses take it, a distribution or a number a line."""
        return logits, targets

    def has_any_label(self, targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return whether a batch has anything to learn without the teacher, a bool scalar."""
        import tensorflow as tf

        return tf.reduce_any(self.hard_loss().has(targets["label"]))

    def fitted_to(self, head: Head) -> tuple[Any, list[Any]]:
        """Return the Keras loss of a fit to hard labels, and metrics; the last keeps an epoch."""

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor | None:
        """Return float32 probabilities of logits [batch, …, classes], NaN where nothing was seen.

        None of a kind whose logits are the answers themselves.
        """
