"""Identity: which input a row is, and from that alone its split, shard and place.

Nothing here depends on file order, runner, worker or time, and never on Python's `hash()`.
"""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.run_file import Split
from schemas.soft_labels import DIGEST_BYTES

_PERSON = b"softshards.in.1"
_TEXT = b"s"


def input_digests(columns: list[pa.Array]) -> pa.Array:
    """Return the 128-bit BLAKE2b of each row's canonical teacher input.

    Canonical: for each feature column in order, a type byte, the length as 8 little-endian
    bytes, and the UTF-8 bytes. So ("ab", "c") and ("a", "bc") differ.

    Args:
      columns: string arrays of equal length without nulls, in declared order.

    Returns:
      binary array of 16 bytes each.

    >>> input_digests([pa.array(["a"])])[0].as_py().hex()
    '2bcd7b1dd9a7a84a6ea0ab53395407c9'
    """
    parts = [pc.cast(column, pa.binary()).to_pylist() for column in columns]
    return pa.array([_digest(row) for row in zip(*parts, strict=True)], pa.binary())


def _digest(row: tuple[bytes, ...]) -> bytes:
    state = hashlib.blake2b(digest_size=DIGEST_BYTES, person=_PERSON)
    for part in row:
        state.update(struct.pack("<cQ", _TEXT, len(part)) + part)
    return state.digest()


def _words(digests: pa.Array) -> npt.NDArray[np.uint64]:
    joined = b"".join(digests.to_pylist())
    return np.frombuffer(joined, dtype=">u8").reshape(-1, DIGEST_BYTES // 8).astype(np.uint64)


def buckets(digests: pa.Array, *, num_shards: int) -> npt.NDArray[np.int64]:
    """Return each row's shard: the digest's top 32 bits as a fraction, times `num_shards`."""
    top = _words(digests)[:, 0] >> np.uint64(32)
    return ((top * np.uint64(num_shards)) >> np.uint64(32)).astype(np.int64)


def splits_by_digest(digests: pa.Array, split: Split) -> pa.Array:
    """Return each row's split, decided by the digest's low 64 bits; duplicates never straddle.

    The bits are others than those of the bucket, so every shard has every split.
    """
    fraction = _words(digests)[:, 1].astype(np.float64) / 2.0**64
    held_out = [fraction < split.test, fraction < split.test + split.validation]
    names = np.select(held_out, ["test", "validation"], default="train")
    return pa.array(names.tolist(), pa.string())


def occurrences(digests: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """Return, for sorted digests, each row's number among the rows of the same digest.

    >>> occurrences(np.array([b"a", b"a", b"b"], object)).tolist()
    [0, 1, 0]
    """
    if len(digests) == 0:
        return np.zeros(0, np.int64)
    starts = np.r_[True, digests[1:] != digests[:-1]]
    index = np.arange(len(digests))
    first: npt.NDArray[np.int64] = np.maximum.accumulate(np.where(starts, index, 0))
    return index - first
