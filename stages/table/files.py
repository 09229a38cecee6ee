"""The files that a table's log says are visible, each as it can be believed.

A log may be damaged or written by other hands. A file counts only where its name is one that a
label run gives, in the folder of its split, and its sizes are numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from schemas.expectations import cut
from schemas.layout import ASIDE, SPLIT_COLUMN, SPLITS
from stages.table.delta_errors import DELTA_ERRORS, damaged_log, one_line
from stages.table.shard import Shard

SHARD_NAME = re.compile(r"split=(\w+)/shard-\d{5,9}-of-\d{5,9}-[0-9a-f]+\.parquet", re.ASCII)
_SPLITS = (*SPLITS, ASIDE)
_NUMBERS = {"num_records": "a number of rows", "size_bytes": "a number of bytes"}


def visible_shards(delta: DeltaTable, path: Path) -> Iterator[Shard]:
    """Return what the log says is visible, by (split, shard number).

    Raises:
      DamagedTableError: the log names what no label run writes.
    """
    try:
        actions = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    except DELTA_ERRORS as error:
        raise damaged_log(path, one_line(error)) from error
    found = [_shard(action, path) for action in actions]
    return iter(sorted(found, key=lambda shard: (shard.split, shard.path.name)))


def _shard(action: Mapping[str, Any], path: Path) -> Shard:
    """Return one file.

    Raises:
      DamagedTableError: it is not one of a table, or the log does not say what it must.
    """
    name, split = action.get("path"), action.get(f"partition.{SPLIT_COLUMN}")
    named = SHARD_NAME.fullmatch(str(name))
    if named is None:
        raise damaged_log(
            path, f"it names a file {cut(name)}, expected split=…/shard-00000-of-….parquet"
        )
    if split != named[1] or split not in _SPLITS:
        raise damaged_log(path, f"{name} is of split {cut(split)}, expected that of its folder")
    for key, expected in _NUMBERS.items():
        value = action.get(key)
        if not isinstance(value, int) or value < 0:
            raise damaged_log(path, f"{name} has {key} {cut(value)}, expected {expected}")
    return Shard(path / str(name), str(split), action["num_records"], action["size_bytes"])
