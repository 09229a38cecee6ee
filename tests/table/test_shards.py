"""Shards: one order and the same bytes, however the rows came."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.heads import Head
from schemas.layout import Layout
from stages.rows.row_logits import RowLogits
from stages.table.writing.shards import encode_parquet, order_rows, with_logits, write_shards
from stages.table.writing.staging import Staging

HEAD = Head(name="thing", classes=("a", "b"))
LAYOUT = Layout(features=("text",), head=HEAD)


def rows(order):
    made = [
        {"digest": b"2" * 16, "id": None, "label": "a", "file": "f", "row": 1},
        {"digest": b"1" * 16, "id": None, "label": None, "file": "f", "row": 2},
        {"digest": b"2" * 16, "id": None, "label": "a", "file": "e", "row": 9},
        {"digest": b"1" * 16, "id": None, "label": "b", "file": "f", "row": 3},
    ]
    made = [made[number] for number in order]
    return pa.table(
        {
            "text": ["text"] * 4,
            "label_thing": pa.array([row["label"] for row in made], pa.string()),
            "example_id": pa.array([row["id"] for row in made], pa.string()),
            "split": ["train"] * 4,
            "input_digest": pa.array([row["digest"] for row in made], pa.binary()),
            "source_file": [row["file"] for row in made],
            "source_row": [row["row"] for row in made],
        }
    )


def test_rows_come_in_one_order_with_ids_from_content():
    one = order_rows(rows([0, 1, 2, 3]), HEAD)
    assert one.equals(order_rows(rows([3, 2, 1, 0]), HEAD))
    assert one["source_row"].to_pylist() == [3, 2, 9, 1]
    digest = (b"1" * 16).hex()
    assert one["example_id"].to_pylist()[:2] == [f"{digest}-000000", f"{digest}-000001"]


def test_a_file_has_the_stated_schema_and_the_same_bytes_each_time():
    logits = np.arange(8, dtype=np.float32).reshape(4, 2)
    files = []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        ordered = order_rows(rows(order), HEAD)
        whole = with_logits(ordered, RowLogits(logits), LAYOUT)
        files.append(encode_parquet(whole.drop_columns(["split"]), LAYOUT))
    assert files[0] == files[1]
    read = pq.read_table(io.BytesIO(files[0]))
    assert read.schema.equals(LAYOUT.file_schema)
    assert read["teacher_thing"].to_pylist() == logits.tolist()


def test_logits_are_split_into_byte_streams():
    whole = with_logits(
        order_rows(rows([0, 1, 2, 3]), HEAD),
        RowLogits(np.zeros((4, 2), np.float32)),
        LAYOUT,
    )
    data = encode_parquet(whole.drop_columns(["split"]), LAYOUT)
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    encodings = {
        column.column(number).path_in_schema: column.column(number).encodings
        for number in range(column.num_columns)
    }
    assert "BYTE_STREAM_SPLIT" in encodings["teacher_thing.list.element"]


def test_a_split_without_rows_has_no_file(tmp_path):
    whole = with_logits(
        order_rows(rows([0, 1, 2, 3]), HEAD),
        RowLogits(np.zeros((4, 2), np.float32)),
        LAYOUT,
    )
    staging = Staging(tmp_path, "plan")
    files = write_shards(whole, staging, bucket=3, num_shards=8, layout=LAYOUT)
    again = write_shards(whole, staging, bucket=3, num_shards=8, layout=LAYOUT)
    assert files == again
    assert [file.split for file in files] == ["train"]
    assert files[0].path.startswith("split=train/shard-00003-of-00008-")
