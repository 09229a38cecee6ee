"""Which rows of several tables over one corpus are one, and what they are called."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.columns import label_text
from stages.label.shards import is_made_id, made_ids


def named_alike(rows: pa.Table, label_column: str) -> tuple[pa.Table, pa.Array]:
    """Return rows with ids that depend on no other head, and what each row is known by.

    A row is known by its input, its own id and, where several rows of the table have both, its
    number among them by label, then file, then row. An id that was made says that number: of a
    table of several heads it would count their rows too.

    Args:
      rows: of one head's table, every row of each of their inputs.
      label_column: the head's.

    Returns:
      rows: those given, in their order.
      keys: binary [rows], no two equal.
    """
    ids, digests = rows["example_id"].combine_chunks(), rows["input_digest"]
    made = pa.array(is_made_id(ids, digests))
    own = pc.if_else(made, "", ids).cast(pa.binary())
    groups = pc.binary_join_element_wise(digests, own, pa.scalar(b"", pa.binary()))
    numbers = _numbers(groups.combine_chunks(), rows, label_column)
    ids = pc.if_else(made, made_ids(digests, numbers), ids)
    place = rows.schema.get_field_index("example_id")
    named = rows.set_column(place, rows.schema.field(place), ids)
    counted = pa.array(numbers).cast(pa.string()).cast(pa.binary())
    keys = pc.binary_join_element_wise(groups, counted, pa.scalar(b"\0", pa.binary()))
    return named, keys.combine_chunks()


def _numbers(groups: pa.Array, rows: pa.Table, label_column: str) -> npt.NDArray[np.int64]:
    """Return each row's number within its group, by label, file and row."""
    numbers = np.zeros(len(groups), np.int64)
    if pc.count_distinct(groups).as_py() == len(groups):
        return numbers
    columns = [groups, label_text(rows[label_column]), rows["source_file"], rows["source_row"]]
    names = ("group", "label", "file", "row")
    keyed = pa.table(dict(zip(names, columns, strict=True)))
    order = pc.sort_indices(keyed, sort_keys=[(name, "ascending") for name in names]).to_numpy()
    sorted_groups = groups.take(pa.array(order))
    differ = pc.not_equal(sorted_groups[1:], sorted_groups[:-1]).to_numpy(zero_copy_only=False)
    index = np.arange(len(groups))
    numbers[order] = index - np.maximum.accumulate(np.where(np.r_[True, differ], index, 0))
    return numbers
