"""Shards: the rows of one bucket in their one order, and their Parquet files, one a split.

The bytes depend on the rows only. A file's name carries a digest of its bytes, so files of
different versions of the table never share a name.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.heads import Head
from schemas.layout import ASIDE, SPLIT_COLUMN, SPLITS, JoinedLayout, Layout, label_type
from schemas.provenance import digest_bytes
from stages.machine.atomic import write_whole
from stages.rows.codec import encode
from stages.rows.columns import KNOWN_PREFIX, digest_matrix, label_text
from stages.rows.identity import occurrences, order_of_digests
from stages.rows.row_logits import RowLogits
from stages.table.writing.staging import ShardFile, Staging

ROW_GROUP_ROWS = 8_192
_ID_DIGITS = 6
_LABELS = "label_text"
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def order_rows(rows: pa.Table, head: Head) -> pa.Table:
    """Return a bucket's rows sorted by (input_digest, example_id), each with an id and as view 0.

    A row without an id of its own is called `<digest>-<number>`, numbered among the rows of
    the same input by label, then file, then row.
    """
    rows = rows.combine_chunks()
    ordered = rows.take(pa.array(order_of_digests(rows["input_digest"])))
    numbers = occurrences(ordered["input_digest"])
    if numbers.any():
        keys = ("input_digest", "example_id", _LABELS, "source_file", "source_row")
        labels = label_text(rows[head.label_column])
        ordered = rows.append_column(_LABELS, labels).sort_by([(key, "ascending") for key in keys])
        ordered = ordered.drop_columns([_LABELS])
    if ordered["example_id"].null_count:
        made = made_ids(ordered["input_digest"], numbers)
        ids = pc.coalesce(ordered["example_id"], made)
        place = ordered.schema.get_field_index("example_id")
        ordered = ordered.set_column(place, "example_id", ids)
    views = pa.array(np.zeros(ordered.num_rows, np.int16))
    parents = pa.nulls(ordered.num_rows, pa.binary())
    return ordered.append_column("view", views).append_column("parent_digest", parents)


def is_made_id(ids: pa.Array, digests: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Return bool [rows]: which ids are such as `made_ids` makes of the row's digest."""
    made = made_ids(digests, np.zeros(len(digests), np.int64))
    digits = -_ID_DIGITS
    same = pc.equal(
        pc.utf8_slice_codeunits(ids, 0, digits), pc.utf8_slice_codeunits(made, 0, digits)
    )
    numbered = pc.ascii_is_decimal(pc.utf8_slice_codeunits(ids, digits))
    return np.asarray(pc.and_(same, numbered).to_numpy(zero_copy_only=False), np.bool_)


def made_ids(digests: pa.ChunkedArray, numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Return `<digest in hexadecimal>-<six digits>` for each row."""
    matrix = digest_matrix(digests)
    text = np.empty((len(matrix), 2 * matrix.shape[1] + 1 + _ID_DIGITS), np.uint8)
    text[:, 0:32:2], text[:, 1:32:2] = _HEX[matrix >> 4], _HEX[matrix & 15]
    text[:, 32] = ord("-")
    for place in range(_ID_DIGITS):
        text[:, -1 - place] = ord("0") + numbers // 10**place % 10
    offsets = np.arange(len(text) + 1, dtype=np.int32) * text.shape[1]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.string(), len(text), buffers)


def with_logits(rows: pa.Table, answers: RowLogits, layout: Layout) -> pa.Table:
    """Return the rows in the shard schema, `split` last.

    Args:
      rows: ordered rows.
      answers: theirs.
      layout: the table's. Where the rows have a logit column as the version before kept it,
        that stays as it was.
    """
    columns = {name: rows[name] for name in rows.column_names}
    for name, column in encode(answers, layout).items():
        known = columns.get(KNOWN_PREFIX + name)
        columns[name] = column if known is None else pc.coalesce(known, column)
    schema = layout.table_schema
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def write_shards(
    rows: pa.Table,
    staging: Staging,
    *,
    bucket: int,
    num_shards: int,
    layout: Layout | JoinedLayout,
) -> tuple[ShardFile, ...]:
    """Write one bucket's rows to the staging folder, a file for each split that has rows.

    What a retry does: writes the same bytes under the same names.
    """
    files = []
    parts = layout.parts if isinstance(layout, JoinedLayout) else ()
    for split in (*SPLITS, ASIDE):
        part = rows.filter(pc.equal(rows[SPLIT_COLUMN], split)).drop_columns([SPLIT_COLUMN])
        if part.num_rows == 0:
            continue
        data = encode_parquet(part, *(parts or [layout]))
        name = f"shard-{bucket:05d}-of-{num_shards:05d}-{digest_bytes(data)[:16]}.parquet"
        path = f"{SPLIT_COLUMN}={split}/{name}"
        write_whole(staging.shard_path(path), data)
        files.append(
            ShardFile(
                path=path,
                split=split,
                rows=part.num_rows,
                size_bytes=len(data),
                views=int((part["view"].to_numpy() > 0).sum()),
                lacking=tuple(part[own.head.teacher_column].null_count for own in parts),
            )
        )
    return tuple(files)


def encode_parquet(rows: pa.Table, *layouts: Layout) -> bytes:
    """Return a Parquet file of rows: zstd, logits as byte streams, labels as dictionaries."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        row_group_size=ROW_GROUP_ROWS,
        use_dictionary=["source_file", *chain.from_iterable(map(_repeated, layouts))],
        use_byte_stream_split=list(chain.from_iterable(map(_numbers, layouts))),
    )
    return bytes(sink.getvalue())


def _repeated(layout: Layout) -> list[str]:
    """Return the columns of a head that have few values."""
    head = layout.head
    labels = ".list.element" if pa.types.is_list(label_type(head)) else ""
    classes = f"{head.teacher_column}_classes{_each(head)}.list.element"
    return [f"{head.label_column}{labels}", classes]


def _numbers(layout: Layout) -> list[str]:
    """Return the columns of a head's logits."""
    name, each = layout.head.teacher_column, _each(layout.head)
    return [f"{name}{each}.list.element", f"{name}_tail{each}"]


def _each(head: Head) -> str:
    return ".list.element" if head.by_position else ""
