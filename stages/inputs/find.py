"""Where a kind of input is found: by its name, by the types of columns, or of one column."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, cast

import pyarrow as pa

from schemas.input_kinds import FOLDER, input_kinds
from schemas.layout import Layout
from stages.inputs.protocol import Input, Varied
from stages.rows.identity import digests_of_parts


@cache  # a graph that is traced does not look into what is cached
def input_named(name: str) -> Input:
    """Return the kind of input of a name, as `Layout.input_kind` has it."""
    found: Input = importlib.import_module(f"stages.{FOLDER}.{name}").INPUT
    return found


def input_of(inputs: pa.Table) -> Input:
    """Return the kind of input that some columns are, by their types and number.

    Raises:
      KeyError: none is of such columns.
    """
    return _of(inputs.schema.types)


def varied_input(kind: pa.DataType) -> Varied:
    """Return the kind of input of one column, of which views are made."""
    return cast(Varied, _of([kind]))


def input_digests(columns: list[pa.Array]) -> pa.Array:
    """Return the 128-bit BLAKE2b of each row's canonical teacher input.

    Canonical: for each feature column in order, a type byte, the length as 8 little-endian
    bytes, and the UTF-8 bytes. So ("ab", "c") and ("a", "bc") differ. A list of strings has a
    type byte of its own, its length, and then each string so; a list of numbers another, its
    length, and each as little-endian float32.

    Args:
      columns: of types that kinds of input declare, of equal length without nulls, in declared
        order.

    Returns:
      binary array of 16 bytes each.

    >>> input_digests([pa.array(["a"])])[0].as_py().hex()
    '2bcd7b1dd9a7a84a6ea0ab53395407c9'
    """
    parts = [part for column in columns for part in _of([column.type]).canonical(column)]
    return digests_of_parts(parts)


def student_inputs(rows: pa.Table, layout: Layout) -> list[Any]:
    """Return what a student is asked about each row: its words where each has a class, or text."""
    kind, inputs = input_named(layout.input_kind), rows.select(list(layout.features))
    return kind.asked(inputs) if layout.head.by_position else kind.texts(inputs)


def _of(types: list[pa.DataType]) -> Input:
    for name, said in input_kinds().items():
        if said.features == len(types) and all(said.type == _plain(one) for one in types):
            return input_named(name)
    raise KeyError(f"no kind of input has columns of {types}")


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return a type with whatever name and nullability its elements have."""
    return pa.list_(kind.value_type) if pa.types.is_list(kind) else kind
