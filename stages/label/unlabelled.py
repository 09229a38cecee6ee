"""Rows of unlabelled corpora: which of them the table leaves out, and which it sets aside."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import ASIDE, SPLIT_COLUMN
from stages.columns import family
from stages.row_logits import RowLogits

ORIGIN_COLUMN = "origin"  # 0: the labelled corpus; n: its nth unlabelled one
LEFT_OUT_COLUMN = "left_out"


def mark_left_out(rows: pa.Table) -> pa.Table:
    """Return a bucket's rows with `left_out`: unlabelled ones whose text is in the labelled corpus.

    So no text of validation or test is trained on, and no labelled one is counted twice.
    """
    labelled = pc.equal(rows[ORIGIN_COLUMN], 0)
    known = pc.is_in(
        rows["input_digest"], value_set=pc.unique(rows["input_digest"].filter(labelled))
    )
    return rows.append_column(LEFT_OUT_COLUMN, pc.and_(pc.invert(labelled), known))


def set_aside(rows: pa.Table, answers: RowLogits, min_confidence: tuple[float, ...]) -> pa.Table:
    """Return rows whose split is `aside` where the teacher is not sure of an unlabelled text.

    A view goes with its parent.

    Args:
      rows: with `origin`, `view`, digests and split.
      answers: theirs.
      min_confidence: by unlabelled corpus, from the first.
    """
    if not any(min_confidence):
        return rows
    limits = np.array([0.0, *min_confidence])[rows[ORIGIN_COLUMN].to_numpy()]
    unsure = pa.array((answers.confidence() < limits) & (rows["view"].to_numpy() == 0))
    aside = pc.is_in(family(rows), value_set=pc.unique(rows["input_digest"].filter(unsure)))
    splits = pc.if_else(aside, ASIDE, rows[SPLIT_COLUMN])
    return rows.set_column(rows.schema.get_field_index(SPLIT_COLUMN), SPLIT_COLUMN, splits)
