"""The quarantine: rows of a corpus that are not in its table, with where they came from and why."""

from __future__ import annotations

import pyarrow as pa

QUARANTINE_FOLDER = "_quarantine"
QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("column", pa.string()),
        pa.field("error", pa.string(), nullable=False),
        pa.field("row", pa.string(), nullable=False),
    ]
)
