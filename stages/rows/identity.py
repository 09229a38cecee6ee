"""Identity: which input a row is, and from that alone its split, shard and place.

Nothing here depends on file order, runner, worker or time, and never on Python's `hash()`.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.corpus_section import Split
from schemas.layout import DIGEST_BYTES
from stages.rows.columns import digest_matrix

_LENGTH_BYTES = 8
_fresh = hashlib.blake2b(digest_size=DIGEST_BYTES, person=b"softshards.in.1").copy


def digests_of_parts(parts: list[pa.Array]) -> pa.Array:
    """Return the 128-bit BLAKE2b of each row's bytes, those of some columns one after another.

    Args:
      parts: binary arrays of equal length without nulls.

    Returns:
      binary array of 16 bytes each.
    """
    inputs = pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.binary()))
    return digest_column(b"".join(map(_digest, inputs.to_pylist())))


def headers(kind: str, lengths: pa.Array) -> pa.Array:
    """Return a header for each row of a feature: a type byte, and 8 little-endian bytes of length.

    Args:
      kind: one ASCII letter, of what the lengths are counted in.
      lengths: whole numbers, of each row.
    """
    head = np.empty((len(lengths), 1 + _LENGTH_BYTES), np.uint8)
    head[:, 0] = ord(kind)
    numbers = lengths.to_numpy(zero_copy_only=False).astype("<u8")
    head[:, 1:] = numbers.view(np.uint8).reshape(-1, _LENGTH_BYTES)
    buffers = [None, pa.py_buffer(head)]
    fixed = pa.Array.from_buffers(pa.binary(1 + _LENGTH_BYTES), len(lengths), buffers)
    return fixed.cast(pa.binary())


def _digest(data: bytes) -> bytes:
    state = _fresh()
    state.update(data)
    return state.digest()


def digest_column(joined: bytes) -> pa.Array:
    """Return a binary column of digests from their bytes, one after the other."""
    count = len(joined) // DIGEST_BYTES
    offsets = np.arange(count + 1, dtype=np.int32) * DIGEST_BYTES
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(joined)]
    return pa.Array.from_buffers(pa.binary(), count, buffers)


def digest_words(digests: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Return uint64 [rows, 2]: each digest's leading and trailing 64 bits."""
    return digest_matrix(digests).view(">u8").astype(np.uint64)


def order_of_digests(digests: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return the row numbers in ascending order of digest; equal ones keep their order."""
    words = digest_words(digests)
    order: npt.NDArray[np.int64] = np.lexsort((words[:, 1], words[:, 0]))
    return order


def buckets(digests: pa.Array, *, num_shards: int) -> npt.NDArray[np.int64]:
    """Return each row's shard: the digest's top 32 bits as a fraction, times `num_shards`."""
    top = digest_words(digests)[:, 0] >> np.uint64(32)
    return ((top * np.uint64(num_shards)) >> np.uint64(32)).astype(np.int64)


def splits_by_digest(digests: pa.Array, split: Split) -> pa.Array:
    """Return each row's split, decided by the digest's low 64 bits; duplicates never straddle.

    The bits are others than those of the bucket, so every shard has every split.
    """
    fraction = digest_words(digests)[:, 1].astype(np.float64) / 2.0**64
    held_out = [fraction < split.test, fraction < split.test + split.validation]
    numbers = np.select(held_out, [0, 1], default=2).astype(np.int8)
    names = pa.array(["test", "validation", "train"])
    return pa.DictionaryArray.from_arrays(pa.array(numbers), names).cast(pa.string())


def occurrences(digests: pa.Array) -> npt.NDArray[np.int64]:
    """Return, for sorted digests, each row's number among the rows of the same digest.

    >>> occurrences(digest_column(b"a" * 32 + b"b" * 16)).tolist()
    [0, 1, 0]
    """
    if len(digests) == 0:
        return np.zeros(0, np.int64)
    rows = digest_matrix(digests)
    return since_start(np.r_[True, (rows[1:] != rows[:-1]).any(axis=1)])


def since_start(starts: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return how many rows each is after the last one that starts a run.

    >>> since_start(np.array([True, False, True])).tolist()
    [0, 1, 0]
    """
    index = np.arange(len(starts))
    first: npt.NDArray[np.int64] = np.maximum.accumulate(np.where(starts, index, 0))
    return index - first


def distinct(digests: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first row of each distinct digest, and each row's place among those.

    >>> joined = b"b" * 16 + b"a" * 16 + b"b" * 16
    >>> first, place = distinct(pa.chunked_array([digest_column(joined)]))
    >>> first.tolist(), place.tolist()
    ([1, 0], [1, 0, 1])
    """
    words, order = digest_words(digests), order_of_digests(digests)
    numbers = words[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (numbers[1:] != numbers[:-1]).any(axis=1)
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(starts) - 1
    return order[starts], place
