"""Measure the teacher on the hard labels before the commit, and refuse one that is not good enough.

Validation and test are read from the staged shards; candidates for label noise are found where a
bucket is written, so that nothing is read twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import QualityError
from schemas.heads import Head
from schemas.label_section import GATES, Label
from schemas.layout import SPLITS, Layout
from schemas.quality import (
    MOST_CANDIDATES,
    AnyQuality,
    ClassScores,
    NoiseCandidate,
    SplitQuality,
    TeacherQuality,
)
from schemas.scores import Scores
from stages.heads import head_kind
from stages.heads.labels import labels_by_line
from stages.heads.metrics.classes import per_class, probabilities
from stages.heads.protocol import Judging
from stages.rows.codec import decode
from stages.rows.columns import Labels, has_label
from stages.rows.pointers import Questions, questions_of
from stages.rows.row_logits import RowLogits
from stages.table.class_rows import class_rows
from stages.table.opening import SoftLabelTable
from stages.table.shard import Shard, read_shard
from stages.table.writing.staging import BucketRecord, Staging

UNLIKELY = 0.05
_BINS = 15
_TEMPERATURES = (0.05, 20.0)
_GOLDEN = (5**0.5 - 1) / 2

Logits = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]
Exact = npt.NDArray[np.float64]


def teacher_quality(
    buckets: Mapping[int, BucketRecord], staging: Staging, layout: Layout
) -> TeacherQuality:
    """Return the teacher's quality on the staged rows, and how many of these have each class.

    Memory: the labels and logits of validation, or of test; of a `pointer` head its words too.
    """
    splits, head = {}, layout.head
    for split in ("validation", "test"):
        answers, labels, questions = _staged(buckets, staging, layout, split)
        if has_label(labels).any():
            splits[split] = split_quality(answers, labels, head, questions)
    found = [one for record in buckets.values() for one in record.noise_candidates]
    labels_of = (
        (split, rows)
        for split in SPLITS
        for rows in _rows(buckets, staging, split, [head.label_column])
    )
    return TeacherQuality(
        splits=splits,
        noise_candidates=least_likely(found),
        class_rows=class_rows(labels_of, head),
    )


def split_quality(
    answers: RowLogits, labels: Labels, head: Head, questions: Questions | None = None
) -> AnyQuality:
    """Return the quality of answers to rows against the hard labels of their lines.

    `questions` is what the rows ask, of a `pointer` head.
    """
    how = Judging(bins=_BINS, questions=questions)
    scores = head_kind(head.kind).score(answers, labels, head=head, how=how)
    if not isinstance(scores, Scores):
        return scores
    known = (labels >= 0) & answers.seen
    logits, own = answers.values[known], labels[known]
    confusion = np.array(scores.confusion)
    support = np.bincount(labels[labels >= 0], minlength=len(head.classes))
    columns = zip(head.classes, support, *per_class(confusion, support), strict=True)
    return SplitQuality(
        **scores.model_dump(
            exclude={"confusion", "reliability", "agreement", "by_position", "scope"}
        ),
        nll_nats=nll(logits, own, temperature=1.0) if len(own) else 0.0,
        calibrating_temperature=calibrating_temperature(logits, own) if len(own) else 1.0,
        classes=tuple(
            ClassScores(name=name, support=int(support), precision=p, recall=r, f1=f)
            for name, support, p, r, f in columns
        ),
    )


def quality_of(table: SoftLabelTable) -> TeacherQuality | None:
    """Return what a table's card says of its teacher, measured anew where its means are not ours.

    Cards before class rows were counted have classes without a row as 0 in means over classes.
    """
    quality = table.card.quality
    if quality is None or quality.class_rows:
        return quality
    lacks = [name for name, one in quality.splits.items() if _lacks_a_class(one)]
    again = {name: _measured_again(table, name) for name in lacks}
    return quality.model_copy(update={"splits": {**quality.splits, **again}})


def _lacks_a_class(found: AnyQuality) -> bool:
    return any(one.support == 0 for one in getattr(found, "classes", ()))


def _measured_again(table: SoftLabelTable, split: str) -> AnyQuality:
    layout = table.card.layout
    columns = [*layout.features, layout.head.label_column, *layout.logit_columns]
    rows = table.read(split, columns)
    rows = rows.filter(rows[layout.head.label_column].is_valid())
    return split_quality(decode(rows, layout), labels_by_line(rows, layout), layout.head)


def nll(logits: Logits, labels: Classes, *, temperature: float) -> float:
    """Return the mean negative log-likelihood of the labels at a temperature, in nats."""
    return _nll(*_below_largest(logits, labels), temperature)


def calibrating_temperature(logits: Logits, labels: Classes) -> float:
    """Return the temperature in [0.05, 20] whose negative log-likelihood is smallest.

    A golden-section search over its logarithm; the function has one minimum.

    Reference:
      Guo, Pleiss, Sun, Weinberger. On Calibration of Modern Neural Networks. 2017.
    """
    below = _below_largest(logits, labels)
    low, high = np.log(_TEMPERATURES)
    while high - low > 1e-4:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _nll(*below, np.exp(left)) < _nll(*below, np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _below_largest(logits: Logits, labels: Classes) -> tuple[Exact, Exact]:
    """Return how far each logit, and that of the label, is below its row's largest, in float64."""
    below = logits.astype(np.float64)
    below -= below.max(axis=1, keepdims=True)
    return below, below[np.arange(len(labels)), labels]


def _nll(below: Exact, own: Exact, temperature: float) -> float:
    summed = np.exp(below / temperature).sum(axis=1)
    return float((np.log(summed) - own / temperature).mean())


def noise_candidates(
    rows: pa.Table, answers: RowLogits, layout: Layout
) -> tuple[NoiseCandidate, ...]:
    """Return the rows, or positions, whose hard label has a probability below 0.05, at most 20.

    Of heads whose label is no class there are none.

    Args:
      rows: a bucket's; what has no hard label, or was not seen, is passed over.
      answers: theirs.
      layout: for its head.
    """
    head = layout.head
    if not head_kind(head.kind).has_class_numbers:
        return ()
    labels = labels_by_line(rows, layout)
    labelled = np.flatnonzero((labels >= 0) & answers.seen)
    if len(labelled) == 0:
        return ()
    likely = probabilities(answers.values[labelled])
    own = likely[np.arange(len(labelled)), labels[labelled]]
    order = np.argsort(own, kind="stable")[:MOST_CANDIDATES]
    names = ["example_id", "source_file", "source_row"]
    chosen = [place for place in order if own[place] < UNLIKELY]
    owners = answers.row_of_line[labelled[chosen]]
    origins = rows.select(names).take(pa.array(owners, pa.int64())).to_pylist()
    for origin, line, owner in zip(origins, labelled[chosen], owners, strict=True):
        if answers.offsets is not None:
            origin["position"] = int(line - answers.offsets[owner])
    return tuple(
        NoiseCandidate(
            probability=float(own[place]),
            label=head.classes[labels[labelled[place]]],
            teacher_says=head.classes[int(likely[place].argmax())],
            **origin,
        )
        for place, origin in zip(chosen, origins, strict=True)
    )


def least_likely(found: Iterable[NoiseCandidate]) -> tuple[NoiseCandidate, ...]:
    """Return the 20 least likely candidates; ties are broken by where the row is from."""
    ordered = sorted(found, key=lambda one: (one.probability, one.source_file, one.source_row))
    return tuple(ordered[:MOST_CANDIDATES])


def check_gates(quality: TeacherQuality | None, how: Label, *, visible: bool = False) -> None:
    """Let a teacher pass that is good enough on validation, or on test where that has no label.

    Raises:
      QualityError: a metric is below what is asked for, or cannot be measured.
    """
    stated = {name: getattr(how, f"min_teacher_{name}") for name in GATES}
    gates = {name: limit for name, limit in stated.items() if limit is not None}
    if not gates:
        return
    happened = "The table is as it was" if visible else "Nothing was committed"
    splits = quality.splits if quality else {}
    if not splits:
        raise QualityError(
            f"teacher cannot be measured: no labelled row in validation or test, expected "
            f"{', '.join(gates)}. {happened}. Label some rows, or remove label.min_teacher_*."
        )
    split, found = next(iter(splits.items()))
    for name, limit in gates.items():
        if getattr(found, name) < limit:
            raise QualityError(
                f"teacher is not good enough: {name} on {split}: found {getattr(found, name):.4f}, "
                f"expected at least {limit}. {happened}. Use a better teacher, or lower "
                f"label.min_teacher_{name}."
            )


def _staged(
    buckets: Mapping[int, BucketRecord], staging: Staging, layout: Layout, split: str
) -> tuple[RowLogits, Labels, Questions | None]:
    """Return the answers to a split's labelled rows as they are staged, and their labels by line.

    Of a `pointer` head also what they ask.
    """
    head, parts, labels, asked = layout.head, [], [], []
    columns = [*layout.features, head.label_column, *layout.logit_columns]
    for found in _rows(buckets, staging, split, columns):
        rows = found.filter(found[head.label_column].is_valid())
        parts.append(decode(rows, layout))
        labels.append(labels_by_line(rows, layout))
        asked += [rows] if head.points else []
    if not labels:
        none = labels_by_line(layout.file_schema.empty_table(), layout)
        return RowLogits(np.zeros((0, len(head.classes)), np.float32)), none, None
    questions = questions_of(pa.concat_tables(asked), layout) if asked else None
    return RowLogits.joined(parts), np.concatenate(labels), questions


def _rows(
    buckets: Mapping[int, BucketRecord], staging: Staging, split: str, columns: Sequence[str]
) -> Iterator[pa.Table]:
    """Yield some columns of each file of a split as it is staged."""
    for record in buckets.values():
        for file in record.files:
            if file.split == split:
                path = staging.found_path(file)
                yield read_shard(Shard(path, split, file.rows, file.size_bytes), columns)
