"""How many labelled rows of each class every split has, and which classes have none or few.

A class without a row in a split cannot be measured there, one with a handful in train is hardly
learned; neither shows in a mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head, HeadPer
from schemas.layout import SPLITS
from schemas.quality import AnyQuality, SplitQuality
from schemas.scores import AnyScores, LabelScores, Scores
from schemas.soft_labels import TableCard
from stages.heads import head_kind
from stages.machine.listing import first_few
from stages.machine.progress import say
from stages.table.opening import SoftLabelTable

FEW = 5  # fewer in train are few

ClassRows = Mapping[str, Mapping[str, int]]

_UNITS: dict[HeadPer, str] = {
    "example": "rows",
    "token": "words",
    "frame": "frames",
    "pixel": "pixels",
}


def class_rows(parts: Iterable[tuple[str, pa.Table]], head: Head) -> dict[str, dict[str, int]]:
    """Return by split and class how many rows, or positions, have it as a hard label.

    Splits without a hard label are left out; of heads without classes it is empty.

    Args:
      parts: split and rows, with the label's column, a few at a time.
      head: whose labels they are.
    """
    if not head_kind(head.kind).counts_classes:
        return {}
    found: dict[str, Counter[str]] = {}
    for split, rows in parts:
        found.setdefault(split, Counter()).update(_counted(rows[head.label_column]))
    return {
        split: {name: counts[name] for name in head.classes}
        for split, counts in found.items()
        if any(counts[name] for name in head.classes)
    }


def rows_in_table(table: SoftLabelTable) -> dict[str, dict[str, int]]:
    """Return what a table's card says of its class rows; where it does not, they are counted."""
    quality, head = table.card.quality, table.card.head
    if quality is not None and quality.class_rows:
        return quality.class_rows
    columns = [head.label_column]
    return class_rows(((split, table.read(split, columns)) for split in SPLITS), head)


def rows_in_card(card: TableCard) -> ClassRows:
    """Return what a card says of class rows; before they were counted, of what was measured."""
    if card.quality is None:
        return {}
    splits = card.quality.splits
    return card.quality.class_rows or {name: _measured(one) for name, one in splits.items()}


def rows_in_scores(scores: AnyScores, classes: Sequence[str]) -> dict[str, int]:
    """Return how many rows of each class scores are of; nothing of those without classes."""
    if isinstance(scores, Scores):
        return {name: sum(row) for name, row in zip(classes, scores.confusion, strict=True)}
    if isinstance(scores, LabelScores):
        return {one.name: one.support for one in scores.classes}
    return {}


def scarce(found: ClassRows, head: Head) -> list[str]:
    """Return a line for each split that lacks classes, and for those that have few rows in train.

    >>> head = Head(name="h", classes=("a", "b"))
    >>> scarce({"train": {"a": 9, "b": 2}, "test": {"a": 3, "b": 0}}, head)
    ['no rows in test of b (1 of 2 classes)', 'fewer than 5 rows in train of b: 2 (1 of 2 classes)']
    """
    return scarce_in(found, unit=_UNITS[head.per])


def scarce_in(found: ClassRows, *, unit: str) -> list[str]:
    """Return the lines of `scarce`, of counts of a unit."""
    lines = []
    for split, counts in found.items():
        absent = [name for name, rows in counts.items() if rows == 0]
        if absent:
            named = f"no {unit} in {split} of {first_few(absent)}"
            lines.append(f"{named} ({len(absent)} of {len(counts)} classes)")
    train = found.get("train", {})
    few = [f"{name}: {rows}" for name, rows in train.items() if 0 < rows < FEW]
    if few:
        named = f"fewer than {FEW} {unit} in train of {first_few(few)}"
        lines.append(f"{named} ({len(few)} of {len(train)} classes)")
    return lines


def say_scarce(step: str, found: ClassRows, head: Head) -> None:
    """Say of a step what `scarce` says."""
    for line in scarce(found, head):
        say(f"{step}: {line}")


def _counted(column: pa.ChunkedArray) -> Counter[str]:
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    counts = pc.value_counts(column.drop_null()).to_pylist()
    return Counter({one["values"]: one["counts"] for one in counts})


def _measured(found: AnyQuality) -> dict[str, int]:
    if not isinstance(found, (SplitQuality, LabelScores)):
        return {}
    return {one.name: one.support for one in found.classes}
