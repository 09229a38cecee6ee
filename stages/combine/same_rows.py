"""Which rows of several tables over one corpus are one, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.rows.columns import label_text
from stages.rows.identity import since_start
from stages.table.writing.shards import is_made_id, made_ids

_BETWEEN = pa.scalar(b"\0", pa.binary())


def keys_of(parts: Sequence[pa.Table], label_column: str) -> list[pa.Array]:
    """Return what each table's rows are known by, binary [rows] each; no two of a table are equal.

    A row is known by its input and its own id. Where a table has several rows of both, they are
    told apart by their labels, and those of one label are numbered by file and row. So a label that
    only one table has is no other row, but where a text is repeated.

    Args:
      parts: of each table every row of the inputs that it has, seen by one head.
      label_column: the head's.
    """
    groups = [_groups(part) for part in parts]
    repeated = pa.concat_arrays([_repeated(group) for group in groups])
    return [
        _keys(part, group, repeated, label_column)
        for part, group in zip(parts, groups, strict=True)
    ]


def renumbered(rows: pa.Table, label_column: str) -> pa.Table:
    """Return rows whose made ids say their number among those of one input, as `label` makes them.

    Each table numbers its own rows, and one of several heads numbers those of all.
    """
    ids, digests = rows["example_id"].combine_chunks(), rows["input_digest"]
    labels = label_text(rows[label_column])
    numbers = _numbers(_groups(rows), labels, rows["source_file"], rows["source_row"])
    made = pa.array(is_made_id(ids, digests))
    place = rows.schema.get_field_index("example_id")
    named = pc.if_else(made, made_ids(digests, numbers), ids)
    return rows.set_column(place, rows.schema.field(place), named)


def _groups(rows: pa.Table) -> pa.Array:
    """Return the input and the own id of each row as bytes."""
    ids, digests = rows["example_id"].combine_chunks(), rows["input_digest"]
    own = pc.if_else(pa.array(is_made_id(ids, digests)), "", ids).cast(pa.binary())
    return pc.binary_join_element_wise(digests, own, pa.scalar(b"", pa.binary())).combine_chunks()


def _repeated(groups: pa.Array) -> pa.Array:
    counted = groups.value_counts()
    return counted.field("values").filter(pc.greater(counted.field("counts"), 1))


def _keys(rows: pa.Table, groups: pa.Array, repeated: pa.Array, label_column: str) -> pa.Array:
    if not len(repeated):
        return groups
    labels = pc.fill_null(pc.binary_join_element_wise("=", label_text(rows[label_column]), ""), "")
    apart = pc.binary_join_element_wise(groups, labels.cast(pa.binary()), _BETWEEN)
    numbers = _numbers(apart, rows["source_file"], rows["source_row"])
    counted = pa.array(numbers).cast(pa.string()).cast(pa.binary())
    whole = pc.binary_join_element_wise(apart, counted, _BETWEEN)
    return pc.if_else(pc.is_in(groups, value_set=repeated), whole, groups)


def _numbers(groups: pa.Array, *within: pa.Array) -> npt.NDArray[np.int64]:
    """Return each row's number in its group, in the order of some columns."""
    numbers = np.zeros(len(groups), np.int64)
    if pc.count_distinct(groups).as_py() == len(groups):
        return numbers
    names = [str(place) for place in range(1 + len(within))]
    keyed = pa.table([groups, *within], names=names)
    order = pc.sort_indices(keyed, sort_keys=[(name, "ascending") for name in names]).to_numpy()
    in_order = groups.take(pa.array(order))
    differ = pc.not_equal(in_order[1:], in_order[:-1]).to_numpy(zero_copy_only=False)
    numbers[order] = since_start(np.r_[True, differ])
    return numbers
