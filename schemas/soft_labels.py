"""The Arrow schema of the soft-label table; `schemas/README.md` says it in words."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from schemas.heads import Head

FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)
SPLITS = ("train", "validation", "test")
SPLIT_COLUMN = "split"
DIGEST_BYTES = 16


def file_schema(features: tuple[str, ...], head: Head) -> pa.Schema:
    """Return the schema of one shard file; `split` is in its path, not in it."""
    return pa.schema(
        [
            pa.field("input_digest", pa.binary(), nullable=False),
            pa.field("parent_digest", pa.binary()),
            pa.field("view", pa.int16(), nullable=False),
            pa.field("example_id", pa.string(), nullable=False),
            *(pa.field(name, pa.string(), nullable=False) for name in features),
            pa.field(head.label_column, pa.string()),
            pa.field(head.teacher_column, pa.list_(pa.float32()), nullable=False),
            pa.field("source_file", pa.string(), nullable=False),
            pa.field("source_row", pa.int64(), nullable=False),
        ]
    )


def table_schema(features: tuple[str, ...], head: Head) -> pa.Schema:
    """Return the schema of the whole table, with its partition column last."""
    split = pa.field(SPLIT_COLUMN, pa.string(), nullable=False)
    return file_schema(features, head).append(split)


class Counts(BaseModel):
    """What a label run did. `rows` is rows read and, once checked, rows written.

    Attributes:
      rows: corpus rows.
      distinct_inputs: different teacher inputs among them: those reused and those called.
      teacher_calls: inputs that the teacher answered for this version, over all attempts.
      teacher_seconds: time spent in the teacher for them.
      truncated: inputs among the calls that are longer than the teacher's window.
      reused_inputs: inputs whose answer the version before had.
      removed_inputs: inputs of the version before, by this teacher, that left the corpus.
      teacher_seconds_saved: what the reused answers cost when they were made.
      resumed_shards: shards kept from an interrupted attempt.
      split_rows: rows by split.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    distinct_inputs: int
    teacher_calls: int
    teacher_seconds: float
    truncated: int
    resumed_shards: int
    split_rows: dict[str, int]
    reused_inputs: int = 0
    removed_inputs: int = 0
    teacher_seconds_saved: float = 0.0


class TableCard(BaseModel):
    """What is written into the commit that makes a table version visible."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int
    plan_fingerprint: str
    teacher_fingerprint: str
    corpus_digest: str
    code_version: str
    features: tuple[str, ...]
    head: Head
    num_shards: int
    precision: str
    counts: Counts
    run_file: dict[str, Any]
