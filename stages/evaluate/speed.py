"""CPU speed from raw strings to logits: medians of repeated calls, after a warm-up."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.report import Speed
from stages.table import SoftLabelTable

BATCH = 64
_WARM_UP_CALLS = 3
_SAMPLE_TEXTS = 256


def measure_speed(predict: Callable[[list[Any]], object], texts: list[Any], *, calls: int) -> Speed:
    """Return the median latency of single texts and the median throughput of batches of 64.

    Args:
      predict: from raw strings to logits, finished when it returns.
      texts: real inputs, used in turn: strings, or lists of words.
      calls: timed single calls; a fifth as many batches.
    """
    single = [[text] for text in itertools.islice(itertools.cycle(texts), calls)]
    cycle = itertools.cycle(texts)
    batches = [list(itertools.islice(cycle, BATCH)) for _ in range(max(3, calls // 5))]
    latency = float(np.median(_timed(predict, single)))
    batch_seconds = float(np.median(_timed(predict, batches)))
    return Speed(
        latency_ms_batch_1=latency * 1000,
        examples_per_second_batch_64=BATCH / batch_seconds,
        calls=calls,
    )


def sample_rows(table: SoftLabelTable) -> pa.Table:
    """Return the features of the first test rows (or else train), the same for every model."""
    for split in ("test", "validation", "train"):
        rows = table.read(split, list(table.card.features)).slice(0, _SAMPLE_TEXTS)
        if rows.num_rows:
            break
    return rows


def _timed(predict: Callable[[list[Any]], object], inputs: list[list[Any]]) -> list[float]:
    for batch in inputs[:_WARM_UP_CALLS]:
        predict(batch)
    seconds = []
    for batch in inputs:
        started = time.perf_counter()
        predict(batch)
        seconds.append(time.perf_counter() - started)
    return seconds
