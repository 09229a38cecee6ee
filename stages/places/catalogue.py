"""Data sets of TensorFlow Datasets, a split of one kept as Parquet in the user's cache.

A column is a feature: text, a number, the name of a class, or a list of them; a feature of more
axes is kept as one list, its last axis fastest. Features that hold others are left out. A split
counts by its name, its version, and that of how it is kept, not by the bytes of the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.asset import CATALOGUE
from schemas.errors import AssetError, first_line
from schemas.provenance import digest_bytes, fingerprint
from stages.machine.atomic import remove_strays, whole_file

_PINNED = re.compile(r"^\w+(/[\w.-]+)?:\d+\.\d+\.\d+$")
_ROWS_PER_GROUP = 4096
_KEPT_AS = 1  # another number where columns or cells are made otherwise


def split_file(handle: str, split: str, *, cache: Path) -> tuple[Path, str]:
    """Return the place of a split's rows, and their digest.

    Args:
      handle: `tfds://name:version`, or `tfds://name/config:version`.
      split: of it, or a slice of one (`train[:80%]`).
      cache: where splits are kept.

    Raises:
      AssetError: the handle has no version, the package is not installed, or the data set cannot
        be had.
    """
    name = handle.removeprefix(CATALOGUE)
    if not _PINNED.match(name):
        raise AssetError(f"not pinned: {handle}. State its version: tfds://name:1.0.0.")
    stem = split if split.isidentifier() else digest_bytes(split.encode())
    path = cache / str(_KEPT_AS) / name.replace(":", "/") / f"{stem}.parquet"
    if not path.is_file():
        _keep(handle, split, path)
    return path, fingerprint({"handle": handle, "split": split, "kept_as": _KEPT_AS})


def _keep(handle: str, split: str, path: Path) -> None:
    what = f"{handle} split {split}"
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise AssetError(f"no catalogue: {handle}: {error}. Install softshards[tfds].") from error
    try:
        place = os.environ.get("TFDS_DATA_DIR")
        builder = tfds.builder(handle.removeprefix(CATALOGUE), data_dir=place)
        builder.download_and_prepare()
        examples = tfds.as_numpy(builder.as_dataset(split=split))
    except Exception as error:  # whatever the package raises
        said = first_line(error)
        raise AssetError(
            f"data set cannot be had: {what}: {said} Check name and network."
        ) from error
    remove_strays(path.parent)
    with whole_file(path) as part:
        try:
            _write(builder.info.features, examples, part)
        except (ValueError, TypeError, pa.ArrowException) as error:
            said = first_line(error)
            raise AssetError(
                f"data set cannot be kept as rows: {what}: {said} Take another."
            ) from error


def _write(features: Any, examples: Iterable[dict[str, Any]], path: Path) -> None:
    """Write examples as rows of the features that hold no others."""
    taken = {name: one for name, one in sorted(features.items()) if _holds_none(one)}
    schema = pa.schema([(name, _type_of(one)) for name, one in taken.items()])
    rows = ({name: _cell(one, row[name]) for name, one in taken.items()} for row in examples)
    with pq.ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, _ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema))


def _holds_none(feature: Any) -> bool:
    """Return whether a feature has no others within, but for a sequence what it is one of."""
    one = _one_of(feature)
    return not hasattr(one, "items") and not hasattr(one, "feature")


def _one_of(feature: Any) -> Any:
    """Return what a sequence is a sequence of; any other feature as it is."""
    return getattr(feature, "feature", feature)


def _type_of(feature: Any) -> pa.DataType:
    one = _one_of(feature)
    dtype = np.dtype(one.np_dtype)
    texts = hasattr(one, "int2str") or dtype.kind in "OSU"
    kind = pa.string() if texts else pa.from_numpy_dtype(dtype)
    return pa.list_(kind) if feature.shape else kind


def _cell(feature: Any, value: Any) -> Any:
    """Return a value as a cell of a column."""
    one, flat = _one_of(feature), np.asarray(value).reshape(-1).tolist()
    if hasattr(one, "int2str"):  # below 0 is not stated, as in a test split
        flat = [one.int2str(number) if number >= 0 else None for number in flat]
    flat = [cell.decode("utf-8") if isinstance(cell, bytes) else cell for cell in flat]
    return flat if feature.shape else flat[0]
