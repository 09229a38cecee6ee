"""Repeat, take medians, print a table and JSON: ratios within one run, never a lone time."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(works: Mapping[str, Callable[[], object]], *, repeats: int) -> dict[str, float]:
    """Return each work's median seconds; the works take turns, so that noise hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(seconds(work))
    return {name: statistics.median(found) for name, found in times.items()}


def show(title: str, medians: Mapping[str, float], *, reference: str, units: int = 0) -> None:
    """Print medians, rates where there are units, and ratios to a reference."""
    rows = {
        name: {
            "median_seconds": round(value, 4),
            "times_reference": round(medians[reference] / value, 2),
            **({"per_second": round(units / value)} if units else {}),
        }
        for name, value in medians.items()
    }
    print(f"\n{title} (reference: {reference})")
    for name, row in rows.items():
        print(f"  {name:28s}" + "  ".join(f"{key} {value:>10}" for key, value in row.items()))
    print(json.dumps({"title": title, "reference": reference, "rows": rows}))
