"""Passes over ranges of buckets, so that a local runner's shuffle fits into memory.

Beam's local runner keeps a whole shuffle in memory. A pass scans the corpus, keeps the rows of
its own buckets and drops the rest before the shuffle; a finished pass is also a point to go on
from. Engines on a cluster spill, and get one pass.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import pyarrow.parquet as pq

from stages.corpus.files import CorpusPlan

RESIDENT_PER_BYTE = 4  # of the local runner, for a byte of rows in its shuffle; measured
_SHARE_OF_MEMORY = 0.5


def default_shuffle_bytes() -> int:
    """Return half of this machine's memory."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _SHARE_OF_MEMORY)


def corpus_bytes(corpus: CorpusPlan) -> int:
    """Return the size of the corpus as rows in memory: uncompressed, for files of Parquet."""
    of_parquet = {unit.path for unit in corpus.units if unit.row_group is not None}
    others = {unit.path for unit in corpus.units} - of_parquet
    return sum(map(_uncompressed, of_parquet)) + sum(Path(one).stat().st_size for one in others)


def _uncompressed(path: str) -> int:
    metadata = pq.read_metadata(path)
    groups = range(metadata.num_row_groups)
    return sum(metadata.row_group(number).total_byte_size for number in groups)


def bucket_passes(size_bytes: int, *, num_shards: int, max_shuffle_bytes: int) -> list[range]:
    """Return ranges of buckets that together are all of them.

    Args:
      size_bytes: of the corpus.
      num_shards: buckets; there are no more passes than that.
      max_shuffle_bytes: resident memory that one pass's shuffle may take, > 0.

    >>> bucket_passes(1000, num_shards=8, max_shuffle_bytes=1500)
    [range(0, 2), range(2, 5), range(5, 8)]
    """
    wanted = math.ceil(size_bytes * RESIDENT_PER_BYTE / max_shuffle_bytes)
    passes = min(max(1, wanted), num_shards)
    edges = [num_shards * number // passes for number in range(passes + 1)]
    return [range(start, end) for start, end in zip(edges, edges[1:], strict=False)]
