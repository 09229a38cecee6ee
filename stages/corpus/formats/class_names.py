"""Names of classes that a Parquet file states beside numbers, as the library `datasets` writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stages.rows.arrow_kinds import is_list
from stages.rows.lists import one_chunk, positions_of

_METADATA = b"huggingface"


def with_class_names(rows: pa.Table, columns: Iterable[str]) -> pa.Table:
    """Return rows with the names of classes where some columns, or lists in them, have numbers.

    A number below 0 is no label; one that has no name stays as it is, to be refused by it. Files
    that state no names are left alone.
    """
    features = _features(rows.schema.metadata or {})
    for name in columns:
        names = _names_of(features.get(name))
        if names and name in rows.column_names:
            column = _named_column(one_chunk(rows[name]), names)
            rows = rows.set_column(rows.column_names.index(name), name, column)
    return rows


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    try:
        found = json.loads(metadata[_METADATA])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _names_of(feature: Any) -> list[str]:
    """Return the names of a feature's classes, or of what it is a list of; none of any other."""
    if isinstance(feature, list) and len(feature) == 1:  # as `datasets` once wrote a list
        return _names_of(feature[0])
    if not isinstance(feature, dict):
        return []
    if feature.get("_type") != "ClassLabel":
        return _names_of(feature.get("feature"))
    names = feature.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    return names


def _named_column(column: pa.Array, names: list[str]) -> pa.Array:
    if pa.types.is_integer(column.type):
        return _named(column, names)
    if not is_list(column.type) or not pa.types.is_integer(column.type.value_type):
        return column
    numbers, offsets = positions_of(column)
    starts = pa.array(offsets, pa.int32())
    return pa.ListArray.from_arrays(starts, _named(numbers, names), mask=column.is_null())


def _named(numbers: pa.Array, names: list[str]) -> pa.Array:
    has_name = pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers, len(names)))
    found = pa.array(names).take(pc.if_else(has_name, numbers, 0))
    unnamed = pc.if_else(pc.less(numbers, 0), None, pc.cast(numbers, pa.string()))
    return pc.if_else(has_name, found, unnamed)
