"""The hard labels of a table's rows as arrays, by what the head predicts."""

from __future__ import annotations

import pyarrow as pa

from schemas.layout import Layout
from stages.heads import head_kind
from stages.rows.columns import Labels


def labels_by_line(rows: pa.Table, layout: Layout) -> Labels:
    """Return the hard label of each row, or of each position of each row.

    int64 [lines]: the number of the class, -1 for none. Of a `sigmoid` head float32 [rows,
    classes], 1 for each class that a row has; of a `regression` float32 [rows, 1]; of a `pointer`
    float32 [lines, 2], 1 where an answer begins and where it ends; NaN for none.
    """
    head = layout.head
    name = layout.features[0]
    positions = rows[name] if head.by_position and name in rows.column_names else None
    return head_kind(head.kind).labels_by_line(rows[head.label_column], head, of=positions)
