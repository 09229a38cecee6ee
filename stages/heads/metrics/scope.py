"""What is out of scope: of none of the classes, found by how sure a model is of its likeliest one.

Reference:
  Hendrycks, Gimpel. A Baseline for Detecting Misclassified and Out-of-Distribution Examples. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.score_parts import ScopeScores
from stages.heads.metrics.classes import probabilities
from stages.heads.metrics.labels import area_under_roc, best_threshold

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """Rows of which it is known whether they are in scope.

    Attributes:
      logits: float32 [rows, classes].
      labels: int64 [rows], class numbers, -1 for those out of scope.
      outside: bool [rows].
    """

    logits: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    outside: Flags

    def known(self) -> Judged:
        """Return the rows that are in scope or out of it, without those that have no label."""
        kept = (self.labels >= 0) | self.outside
        return Judged(self.logits[kept], self.labels[kept], self.outside[kept])

    @property
    def doubt(self) -> npt.NDArray[np.float64]:
        """1 - the largest probability, float64 [rows]."""
        doubt: npt.NDArray[np.float64] = 1.0 - probabilities(self.logits).max(axis=1)
        return doubt


def tuned_confidence(rows: Judged) -> float | None:
    """Return the confidence below which a row counts as out of scope; None where none is.

    The one whose F1 of finding what is out of scope is largest.
    """
    known = rows.known()
    if not known.outside.any() or known.outside.all():
        return None
    return 1.0 - best_threshold(known.doubt, known.outside)


def score_scope(rows: Judged, confidence: float) -> ScopeScores | None:
    """Return how well rows out of scope are told from the others; None where there are none.

    Args:
      rows: that are scored.
      confidence: of the likeliest class, below which a row is refused; tuned on other rows.
    """
    known = rows.known()
    area = area_under_roc(known.doubt, known.outside)
    if area is None:
        return None
    refused = known.doubt >= 1.0 - confidence
    found = int((refused & known.outside).sum())
    answered = ~refused & (known.logits.argmax(axis=1) == known.labels)
    inside = int((~known.outside).sum())
    return ScopeScores(
        outside_rows=int(known.outside.sum()),
        confidence=confidence,
        auc=area,
        precision=found / max(1, int(refused.sum())),
        recall=found / int(known.outside.sum()),
        accuracy_inside=float(answered[~known.outside].sum() / inside),
    )
