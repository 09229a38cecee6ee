"""Forecast: what a label run would do and cost, from a scan of the corpus and a timed sample.

Nothing is written. Inputs are counted exactly; time and size are estimates from a sample of the
inputs that would go to the teacher. Memory: 16 bytes a distinct input, and one batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from schemas.layout import SPLIT_COLUMN, Layout
from stages.label.ask import soft_labels
from stages.label.encoding import chosen_encoding
from stages.label.intake import Refused
from stages.label.plan import LabelPlan
from stages.label.previous import PreviousLabels, previous_labels
from stages.label.sample import corpus_rows, smallest
from stages.label.shards import encode_parquet, order_rows, with_logits
from stages.label.teacher import Teacher
from stages.label.teachers import load_teacher
from stages.shard import read_shard


@dataclass(frozen=True)
class Forecast:
    """What `label` would do.

    Attributes:
      rows, train_rows: of the corpus.
      views: augmented views, at most: some may say the same.
      distinct_inputs: different teacher inputs: `reused_inputs` + `teacher_calls`.
      removed_inputs: of the visible version, by this teacher, that left the corpus.
      quarantined: rows that cannot be read; the teacher may add some.
      teacher_seconds: estimate for the calls; 0 where there is none.
      teacher_seconds_saved: what the reused answers cost when they were made.
      bytes_on_disk: estimate for the whole version.
      break_even_epochs: epochs of one student after which the calls have paid for themselves,
        against running the teacher inside training; None where nothing is called.
    """

    rows: int
    train_rows: int
    views: int
    distinct_inputs: int
    reused_inputs: int
    teacher_calls: int
    removed_inputs: int
    quarantined: int
    teacher_seconds: float
    teacher_seconds_saved: float
    bytes_on_disk: int
    break_even_epochs: float | None


def forecast(plan: LabelPlan, *, labels: Path, teacher: Teacher | None = None) -> Forecast:
    """Return what labelling the plan into `labels` would do.

    Args:
      plan: the run's.
      labels: the table's folder, which need not be there.
      teacher: for the timed sample; the plan's own, loaded only if it is needed, when None.

    Raises:
      PipelineError: what `label` itself would say of corpus, teacher or table.
    """
    loaded = cache(lambda: teacher or load_teacher(plan.teacher))
    features = plan.run.corpus.features
    encoding = chosen_encoding(plan, labels, teacher=loaded, note=lambda answer: None).encoding
    layout = plan.run.layout(encoding)
    previous = previous_labels(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=features,
        encoding=encoding,
    )
    seen = _scan(plan, _known_digests(previous))
    if seen.sample.num_rows:
        cost = _sample_cost(seen.sample, loaded(), plan, layout)
    else:
        cost = _Cost(0.0, _row_bytes(previous))
    views = _view_counts(plan, seen, previous)
    calls, reused = seen.misses + views.calls, seen.reused + views.reused
    return Forecast(
        rows=seen.rows,
        views=views.calls + views.reused,
        train_rows=seen.train_rows,
        distinct_inputs=calls + reused,
        reused_inputs=reused,
        teacher_calls=calls,
        removed_inputs=max(0, previous.distinct_inputs - reused) if previous else 0,
        quarantined=seen.quarantined,
        teacher_seconds=cost.seconds * calls,
        teacher_seconds_saved=reused * previous.seconds_per_call if previous else 0.0,
        bytes_on_disk=round(cost.row_bytes * (seen.rows + views.calls + views.reused)),
        break_even_epochs=calls / seen.train_rows if calls and seen.train_rows else None,
    )


def forecast_text(found: Forecast) -> list[tuple[str, str]]:
    """Return a forecast as names and values for people."""
    share = found.reused_inputs / max(1, found.distinct_inputs)
    epochs = found.break_even_epochs
    return [
        ("rows", f"{found.rows} ({found.train_rows} train)"),
        ("views", str(found.views)),
        ("distinct inputs", str(found.distinct_inputs)),
        ("reused", f"{found.reused_inputs} ({share:.1%})"),
        ("teacher calls", str(found.teacher_calls)),
        ("removed", str(found.removed_inputs)),
        ("quarantined", f"{found.quarantined} at reading"),
        ("teacher time", f"about {found.teacher_seconds:.0f} s in one process, from a sample"),
        ("teacher time saved", f"about {found.teacher_seconds_saved:.0f} s"),
        ("bytes on disk", f"about {found.bytes_on_disk}"),
        ("pays off after", "at once" if epochs is None else f"{epochs:.2f} epochs of one student"),
    ]


@dataclass(frozen=True)
class _Seen:
    rows: int
    train_rows: int
    reused: int
    misses: int
    train_inputs: int
    train_misses: int
    quarantined: int
    sample: pa.Table


@dataclass(frozen=True)
class _Cost:
    seconds: float
    row_bytes: float


def _row_bytes(previous: PreviousLabels | None) -> float:
    shards = previous.shards if previous else ()
    return sum(shard.size_bytes for shard in shards) / max(1, sum(shard.rows for shard in shards))


@dataclass(frozen=True)
class _ViewCounts:
    calls: int = 0
    reused: int = 0


def _view_counts(plan: LabelPlan, seen: _Seen, previous: PreviousLabels | None) -> _ViewCounts:
    """Return an estimate: views are made in the shuffle, which a forecast does not run."""
    views = plan.run.label.views
    if views is None:
        return _ViewCounts()
    made = views.model_dump(mode="json")
    known = previous is not None and previous.views == made
    calls = views.count * (seen.train_misses if known else seen.train_inputs)
    return _ViewCounts(calls, views.count * seen.train_inputs - calls)


def _scan(plan: LabelPlan, known: pa.Array) -> _Seen:
    rows = train_rows = 0
    refused: list[Refused] = []
    digests: list[pa.Array] = []
    train: list[pa.Array] = []
    sample: pa.Table | None = None
    for part in corpus_rows(plan.corpus, refused, tolerant=plan.run.label.tolerant):
        rows += part.num_rows
        train_rows += pc.sum(pc.equal(part[SPLIT_COLUMN], "train")).as_py() or 0
        digests.append(pc.unique(part["input_digest"]))
        train.append(pc.unique(part["input_digest"].filter(pc.equal(part[SPLIT_COLUMN], "train"))))
        if plan.corpus.answers is not None:
            known = pc.unique(pa.chunked_array([known, *part["input_digest"].chunks], pa.binary()))
        missed = part.filter(pc.invert(pc.is_in(part["input_digest"], value_set=known)))
        sample = smallest(missed if sample is None else pa.concat_tables([sample, missed]))
    found = pc.unique(pa.chunked_array(digests, pa.binary()))
    reused = pc.sum(pc.is_in(found, value_set=known)).as_py() or 0
    empty = pa.table({"input_digest": pa.array([], pa.binary())})
    misses = len(found) - reused
    inputs = pc.unique(pa.chunked_array(train, pa.binary()))
    return _Seen(
        rows,
        train_rows,
        reused,
        misses,
        len(inputs),
        pc.sum(pc.invert(pc.is_in(inputs, value_set=known))).as_py() or 0,
        len(refused),
        empty if sample is None else sample,
    )


def _known_digests(previous: PreviousLabels | None) -> pa.Array:
    if previous is None:
        return pa.array([], pa.binary())
    parts = [read_shard(shard, ["input_digest"])["input_digest"] for shard in previous.shards]
    return pc.unique(pa.chunked_array([c for part in parts for c in part.chunks], pa.binary()))


def _sample_cost(sample: pa.Table, teacher: Teacher, plan: LabelPlan, layout: Layout) -> _Cost:
    """Return seconds and bytes for one row of the sample."""
    rows = order_rows(sample, layout.head)
    features, how, head = layout.features, plan.run.label, layout.head
    soft_labels(teacher, rows, features=features, how=how, head=head)  # traces the graph, untimed
    answer = soft_labels(teacher, rows, features=features, how=how, head=head)
    whole = with_logits(rows, answer.answers, layout)
    data = encode_parquet(whole.drop_columns([SPLIT_COLUMN]), layout)
    return _Cost(answer.seconds / max(1, answer.calls), len(data) / rows.num_rows)
