"""From which probability on an exported student says a class, or that a row is of none."""

from __future__ import annotations

from typing import TypedDict

from stages.evaluate.judge import tuning_rows
from stages.evaluate.predict import StudentPredictor
from stages.heads import head_kind
from stages.heads.metrics.scope import tuned_confidence
from stages.table.opening import SoftLabelTable
from stages.train.pipeline import trained_card
from stages.train.plan import StudentPlan


class Decisions(TypedDict, total=False):
    """What of an export's card comes from the validation split."""

    thresholds: tuple[float, ...]
    confidence: float


def decisions(plan: StudentPlan, table: SoftLabelTable, *, once: bool) -> Decisions:
    """Return what a student's answers on validation give; nothing where none there is labelled.

    They are those that a report of another split scores with. In every format they are of the
    student itself, which an 8-bit model comes near to.

    Args:
      plan: of a student that is trained.
      table: that it was trained from.
      once: whether the run counts equal rows once.
    """
    rows = tuning_rows(table, once=once)
    if rows is None:
        return {}
    answers = StudentPredictor(plan.path, trained_card(plan)).answers(rows.inputs)
    thresholds = head_kind(table.card.head.kind).thresholds(answers, rows.labels)
    if thresholds is not None:
        return {"thresholds": tuple(thresholds)}
    confidence = tuned_confidence(rows.judged(answers))
    return {} if confidence is None else {"confidence": confidence}
