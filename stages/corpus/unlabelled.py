"""Rows that the table leaves out, and those of unlabelled corpora that it sets aside."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.crossing import Crossing
from schemas.layout import ASIDE, SPLIT_COLUMN
from stages.corpus.crossing import less_held_out
from stages.corpus.formats.units import ORIGIN_COLUMN
from stages.rows.columns import family
from stages.rows.row_logits import RowLogits

LEFT_OUT_COLUMN = "left_out"


def mark_left_out(rows: pa.Table, *, crossing: Crossing = "keep") -> pa.Table:
    """Return a bucket's rows with `left_out`: unlabelled ones whose text is in the labelled corpus.

    So no text of validation or test is trained on, and no labelled one is counted twice. With
    `drop` also labelled ones whose input a split has that is held out more.
    """
    labelled = pc.equal(rows[ORIGIN_COLUMN], 0)
    known = pc.is_in(
        rows["input_digest"], value_set=pc.unique(rows["input_digest"].filter(labelled))
    )
    left_out = pc.and_(pc.invert(labelled), known)
    if crossing == "drop":
        left_out = pc.or_(left_out, less_held_out(rows))
    return rows.append_column(LEFT_OUT_COLUMN, left_out)


def crossing_left_out(rows: pa.Table) -> int:
    """Return how many of the labelled corpus's rows are left out."""
    return pc.sum(pc.and_(rows[LEFT_OUT_COLUMN], pc.equal(rows[ORIGIN_COLUMN], 0))).as_py() or 0


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
