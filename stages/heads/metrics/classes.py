"""Classification metrics in NumPy, on labelled rows, from logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.report import Summary
from schemas.score_parts import ReliabilityBin
from schemas.scores import Scores
from stages.heads.metrics.spans import TagSet, span_scores

Logits = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]

_STUDENT_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_NORMAL_975 = 1.959964


@dataclass(frozen=True)
class Tagged:
    """What spans are read from: the classes as tags, and the row of each line."""

    classes: Sequence[str]
    row_of_line: Classes


def score(
    logits: Logits,
    labels: Classes,
    *,
    bins: int,
    teacher_logits: Logits | None = None,
    by_position: bool = False,
    tagged: Tagged | None = None,
    predicted: Classes | None = None,
    teacher_predicted: Classes | None = None,
) -> Scores:
    """Return the quality of logits against hard labels.

    Args:
      logits: float32 [lines, classes]: of rows, or of positions. NaN where nothing was said: that
        is wrong, or the class `O` where classes mark spans.
      labels: integer [lines]; those of -1 (no hard label) are left out.
      bins: intervals of equal width for calibration.
      teacher_logits: float32 [lines, classes], for the agreement where the teacher said something.
      by_position: whether lines are positions.
      tagged: of spans; left out where there are none.
      predicted: int64 [lines], the classes that count as said; the likeliest when None.
      teacher_predicted: likewise of the teacher.

    Raises:
      ValueError: no line has a label.
    """
    labelled = labels >= 0
    if not labelled.any():
        raise ValueError("no labelled row to score")
    said = ~np.isnan(logits[:, 0])
    unsaid = TagSet(tagged.classes).outside if tagged is not None else -1
    if predicted is None:
        predicted = np.where(said, np.where(said[:, None], logits, 0.0).argmax(axis=1), unsaid)
    spans = None
    if tagged is not None:
        spans = span_scores(tagged.classes, labels, predicted, tagged.row_of_line)
    confusion = confusion_matrix(
        labels[labelled & (predicted >= 0)],
        predicted[labelled & (predicted >= 0)],
        classes=logits.shape[1],
    )
    support = np.bincount(labels[labelled], minlength=logits.shape[1])
    occurs = support + confusion.sum(axis=0) > 0
    precision, recall, f1 = macro(per_class(confusion, support), occurs)
    known = labelled & said
    reliability = reliability_bins(probabilities(logits[known]), labels[known], bins=bins)
    return Scores(
        rows=int(labelled.sum()),
        accuracy=float((predicted == labels)[labelled].mean()),
        precision_macro=precision,
        recall_macro=recall,
        f1_macro=f1,
        calibration_error=calibration_error(reliability),
        agreement=_agreement(predicted, labelled, teacher_logits, teacher_predicted),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        reliability=reliability,
        by_position=by_position,
        spans=spans,
    )


def _agreement(
    predicted: Classes,
    labelled: npt.NDArray[np.bool_],
    teacher_logits: Logits | None,
    teacher_predicted: Classes | None,
) -> float | None:
    if teacher_logits is None:
        return None
    both = labelled & ~np.isnan(teacher_logits[:, 0])
    if not both.any():
        return None
    if teacher_predicted is None:
        teacher_predicted = teacher_logits.argmax(axis=1)
    return float((predicted[both] == teacher_predicted[both]).mean())


def probabilities(logits: Logits) -> npt.NDArray[np.float64]:
    """Return softmax over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    weights = np.exp(shifted)
    result: npt.NDArray[np.float64] = weights / weights.sum(axis=-1, keepdims=True)
    return result


def confusion_matrix(labels: Classes, predicted: Classes, *, classes: int) -> npt.NDArray[np.int64]:
    """Return counts [classes, classes] by (hard label, prediction).

    >>> confusion_matrix(np.array([0, 1]), np.array([0, 0]), classes=2).tolist()
    [[1, 0], [1, 0]]
    """
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def per_class(confusion: Counts, support: Counts | None = None) -> npt.NDArray[np.float64]:
    """Return precision, recall and F1 by class, float64 [3, classes]; undefined counts 0.

    Args:
      confusion: lines by (hard label, prediction).
      support: lines by hard label, where some have no prediction; those of the matrix when None.
    """
    support = confusion.sum(axis=1) if support is None else support
    return ratios(np.diag(confusion), confusion.sum(axis=0), support)


def ratios(hits: Counts, predicted: Counts, support: Counts) -> npt.NDArray[np.float64]:
    """Return precision, recall and F1 by class, float64 [3, classes]; undefined counts 0.

    >>> ratios(np.array([1, 0]), np.array([2, 0]), np.array([4, 0])).tolist()
    [[0.5, 0.0], [0.25, 0.0], [0.3333333333333333, 0.0]]
    """
    parts, wholes = (
        np.stack([hits, hits, 2 * hits]),
        np.stack([predicted, support, predicted + support]),
    )
    return np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes > 0)


def macro(
    by_class: npt.NDArray[np.float64], occurs: npt.NDArray[np.bool_]
) -> tuple[float, float, float]:
    """Return the unweighted means over the classes that occur, 0 where none does.

    A class that is no hard label and is never said is left out, as scikit-learn does; one that is
    either counts 0 in what is undefined for it.

    Args:
      by_class: float64 [3, classes], of `ratios`.
      occurs: bool [classes], whether some line has or is said to have it.

    >>> macro(np.array([[1.0, 0.5, 0.0]] * 3), np.array([True, True, False]))
    (0.75, 0.75, 0.75)
    """
    counted = [row[occurs] for row in by_class]
    precision, recall, f1 = (float(row.mean()) if len(row) else 0.0 for row in counted)
    return precision, recall, f1


def reliability_bins(
    probs: npt.NDArray[np.float64], labels: Classes, *, bins: int
) -> tuple[ReliabilityBin, ...]:
    """Return the non-empty intervals of the top probability; right is where its class is."""
    if len(probs) == 0:
        return ()
    return bins_of(probs.max(axis=1), probs.argmax(axis=1) == labels, bins=bins)


def bins_of(
    probs: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], *, bins: int
) -> tuple[ReliabilityBin, ...]:
    """Return the non-empty intervals (lower, upper] of probabilities, and how often they are right.

    Args:
      probs: float64 [predictions].
      right: bool [predictions].
      bins: intervals of equal width.
    """
    place = np.clip(np.ceil(probs * bins).astype(int) - 1, 0, bins - 1)
    return tuple(
        ReliabilityBin(
            lower=number / bins,
            upper=(number + 1) / bins,
            count=int((place == number).sum()),
            confidence=float(probs[place == number].mean()),
            accuracy=float(right[place == number].mean()),
        )
        for number in np.unique(place)
    )


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the expected calibration error: mean |accuracy - confidence|, weighted by count.

    Reference:
      Guo, Pleiss, Sun, Weinberger. On Calibration of Modern Neural Networks. 2017.
    """
    rows = max(1, sum(bin.count for bin in bins))
    return sum(bin.count * abs(bin.accuracy - bin.confidence) for bin in bins) / rows


def summarise(values: Sequence[float]) -> Summary:
    """Return mean and half-width of the 95 % interval (Student's t) over seeds.

    >>> summarise([0.5]).half_width is None
    True
    >>> round(summarise([0.0, 1.0]).half_width, 3)
    6.353
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Summary(mean=mean, half_width=None, values=tuple(values))
    spread = float(np.std(values, ddof=1))
    half_width = student_t_975(count - 1) * spread / math.sqrt(count)
    return Summary(mean=mean, half_width=half_width, values=tuple(values))


def student_t_975(degrees: int) -> float:
    """Return the 0.975 quantile of Student's t.

    Up to ten degrees of freedom from a table, above by an expansion that is right to 2e-4.

    >>> round(student_t_975(11), 3), round(student_t_975(30), 3)
    (2.201, 2.042)

    Reference:
      Abramowitz and Stegun. Handbook of Mathematical Functions, 26.7.5. 1964.
    """
    if degrees <= len(_STUDENT_T_975):
        return _STUDENT_T_975[degrees - 1]
    z = _NORMAL_975
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, start=1))
