"""From which probability on an exported student says a class, or that a row is of none."""

from __future__ import annotations

from typing import Any, TypedDict

from stages.columns import has_label
from stages.evaluate.judge import rows_of
from stages.evaluate.label_metrics import tuned_thresholds
from stages.evaluate.predict import StudentPredictor
from stages.evaluate.scope import tuned_confidence
from stages.table import SoftLabelTable


class Decisions(TypedDict, total=False):
    """What of an export's card comes from the validation split."""

    thresholds: tuple[float, ...]
    confidence: float


def decisions(student: StudentPredictor, table: SoftLabelTable) -> Decisions:
    """Return what the student's answers on validation give; nothing where there is none.

    They are those that a report scores with, where the same run file trained and evaluated it.
    """
    head, corpus = table.card.head, table.card.run_file.get("corpus", {})
    if head.kind != "sigmoid" and head.out_of_scope is None:
        return {}
    rows = rows_of(table, "validation", once=_counts_once(corpus))
    if not has_label(rows.labels).any():
        return {}
    answers = student.answers(rows.inputs)
    if head.kind == "sigmoid":
        return {"thresholds": tuple(tuned_thresholds(answers.values, rows.labels))}
    confidence = tuned_confidence(rows.judged(answers))
    return {} if confidence is None else {"confidence": confidence}


def _counts_once(corpus: dict[str, Any]) -> bool:
    return corpus.get("repeats") == "once"
