"""Shards: the rows of one bucket in their one order, and their Parquet files, one a split.

The bytes depend on the rows only. A file's name carries a digest of its bytes, so files of
different versions of the table never share a name.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.heads import Head
from schemas.provenance import digest_bytes
from schemas.soft_labels import SPLIT_COLUMN, SPLITS, file_schema
from stages.atomic import write_whole
from stages.label.identity import occurrences
from stages.label.staging import ShardFile, Staging

ROW_GROUP_ROWS = 8_192


def order_rows(rows: pa.Table, head: Head) -> pa.Table:
    """Return a bucket's rows sorted by (input_digest, example_id), each with an example_id.

    A row without an id of its own is called `<digest>-<number>`, numbered among the rows of
    the same input by label, then file, then row.
    """
    keys = ("input_digest", "example_id", head.label_column, "source_file", "source_row")
    ordered = rows.combine_chunks().sort_by([(key, "ascending") for key in keys])
    digests = np.array(ordered["input_digest"].to_pylist(), dtype=object)
    numbers = occurrences(digests)
    made = [f"{digest.hex()}-{n:06d}" for digest, n in zip(digests, numbers, strict=True)]
    ids = pc.coalesce(ordered["example_id"], pa.array(made, pa.string()))
    return ordered.set_column(ordered.schema.get_field_index("example_id"), "example_id", ids)


def with_logits(
    rows: pa.Table, logits: npt.NDArray[np.float32], *, features: tuple[str, ...], head: Head
) -> pa.Table:
    """Return the rows in the shard schema, `split` last.

    Args:
      rows: ordered rows.
      logits: float32 [rows, classes], already rounded.
      features: feature columns, in order.
      head: what the logits are of.
    """
    offsets = np.arange(len(logits) + 1, dtype=np.int32) * len(head.classes)
    lists = pa.ListArray.from_arrays(offsets, pa.array(logits.ravel(), pa.float32()))
    columns = {
        **{name: rows[name] for name in rows.column_names},
        "parent_digest": pa.nulls(rows.num_rows, pa.binary()),
        "view": pa.array(np.zeros(rows.num_rows, np.int16)),
        head.teacher_column: lists,
    }
    schema = file_schema(features, head).append(pa.field(SPLIT_COLUMN, pa.string()))
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def write_shards(
    rows: pa.Table, staging: Staging, *, bucket: int, num_shards: int, head: Head
) -> tuple[ShardFile, ...]:
    """Write one bucket's rows to the staging folder, a file for each split that has rows.

    What a retry does: writes the same bytes under the same names.
    """
    files = []
    for split in SPLITS:
        part = rows.filter(pc.equal(rows[SPLIT_COLUMN], split)).drop_columns([SPLIT_COLUMN])
        if part.num_rows == 0:
            continue
        data = encode_parquet(part, head)
        name = f"shard-{bucket:05d}-of-{num_shards:05d}-{digest_bytes(data)[:16]}.parquet"
        path = f"{SPLIT_COLUMN}={split}/{name}"
        write_whole(staging.shard_path(path), data)
        files.append(ShardFile(path=path, split=split, rows=part.num_rows, size_bytes=len(data)))
    return tuple(files)


def encode_parquet(rows: pa.Table, head: Head) -> bytes:
    """Return a Parquet file of rows: zstd, logits as byte streams, labels as dictionaries."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        row_group_size=ROW_GROUP_ROWS,
        use_dictionary=[head.label_column, "source_file"],
        use_byte_stream_split=[f"{head.teacher_column}.list.element"],
    )
    return bytes(sink.getvalue())
