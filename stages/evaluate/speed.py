"""CPU speed from raw strings to logits: medians and quartiles of calls, of all models in turns.

Models that are measured one after another are measured on a machine that has changed meanwhile; in
turns a change meets all of them.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.report import Speed
from stages.table.opening import SoftLabelTable

BATCH = 64
_WARM_UP_CALLS = 3
_SAMPLE_TEXTS = 256

Predict = Callable[[list[Any]], object]


def measure_speed(predict: Predict, texts: list[Any], *, calls: int) -> Speed:
    """Return the speed of one model alone, as `measure_in_turns` of several."""
    return measure_in_turns([predict], texts, calls=calls)[0]


def measure_in_turns(models: Sequence[Predict], texts: list[Any], *, calls: int) -> list[Speed]:
    """Return the latency of single texts and the throughput of batches of 64, of each model.

    In each round every model has one batch and its part of the single calls, and another begins.

    Args:
      models: from raw strings to logits, finished when they return.
      texts: real inputs, used in turn: strings, or lists of words.
      calls: timed single calls of each; a fifth as many batches, and rounds.
    """
    cycle = itertools.cycle(texts)
    singles = [[text] for text in itertools.islice(cycle, calls)]
    batches = [list(itertools.islice(cycle, BATCH)) for _ in range(max(3, calls // 5))]
    for predict in models:
        _timed(predict, [*singles[:_WARM_UP_CALLS], *batches[:_WARM_UP_CALLS]])
    seconds: list[tuple[list[float], list[float]]] = [([], []) for _ in models]
    for turn in range(rounds := len(batches)):
        for place in range(len(models)):
            number = (place + turn) % len(models)
            for found, inputs in zip(seconds[number], (singles, batches), strict=True):
                found += _timed(models[number], inputs[turn::rounds])
    return [_speed(of_singles, of_batches) for of_singles, of_batches in seconds]


def sample_rows(table: SoftLabelTable) -> pa.Table:
    """Return the features of the first test rows (or else train), the same for every model."""
    for split in ("test", "validation", "train"):
        rows = table.read(split, list(table.card.features)).slice(0, _SAMPLE_TEXTS)
        if rows.num_rows:
            break
    return rows


def _speed(singles: list[float], batches: list[float]) -> Speed:
    least, latency, most = (float(1000 * value) for value in np.percentile(singles, [25, 50, 75]))
    slow, rate, fast = (float(BATCH / value) for value in np.percentile(batches, [75, 50, 25]))
    return Speed(
        latency_ms_batch_1=latency,
        examples_per_second_batch_64=rate,
        calls=len(singles),
        latency_ms_quartiles=(least, most),
        examples_per_second_quartiles=(slow, fast),
    )


def _timed(predict: Predict, inputs: list[list[Any]]) -> list[float]:
    seconds = []
    for batch in inputs:
        started = time.perf_counter()
        predict(batch)
        seconds.append(time.perf_counter() - started)
    return seconds
