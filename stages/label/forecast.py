"""Forecast: what a label run would do and cost, from a scan of the corpus and a timed sample.

Nothing is written. Inputs are counted exactly; time and size are estimates from a sample of the
inputs that would go to the teacher. Memory: 16 bytes a distinct input, and one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from schemas.soft_labels import SPLIT_COLUMN
from stages.label.codec import round_logits
from stages.label.corpus import CorpusPlan, read_unit
from stages.label.plan import LabelPlan
from stages.label.previous import PreviousLabels, previous_labels
from stages.label.shards import encode_parquet, order_rows, with_logits
from stages.label.teacher import Teacher, soft_labels
from stages.table import read_shard

SAMPLE_INPUTS = 256


@dataclass(frozen=True)
class Forecast:
    """What `label` would do.

    Attributes:
      rows, train_rows: of the corpus.
      distinct_inputs: different teacher inputs: `reused_inputs` + `teacher_calls`.
      removed_inputs: of the visible version, by this teacher, that left the corpus.
      teacher_seconds: estimate for the calls; 0 where there is none.
      bytes_on_disk: estimate for the whole version.
      break_even_epochs: epochs of one student after which the calls have paid for themselves,
        against running the teacher inside training; None where nothing is called.
    """

    rows: int
    train_rows: int
    distinct_inputs: int
    reused_inputs: int
    teacher_calls: int
    removed_inputs: int
    teacher_seconds: float
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
    previous = previous_labels(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=plan.run.corpus.features,
        precision=plan.run.label.precision,
    )
    seen = _scan(plan.corpus, _known_digests(previous))
    seconds, row_bytes = (
        _sample_cost(plan, seen.sample, teacher) if seen.sample.num_rows else (0, 0)
    )
    if previous is not None and seen.sample.num_rows == 0:
        held = sum(shard.rows for shard in previous.shards)
        row_bytes = sum(shard.size_bytes for shard in previous.shards) / max(1, held)
    return Forecast(
        rows=seen.rows,
        train_rows=seen.train_rows,
        distinct_inputs=seen.reused + seen.misses,
        reused_inputs=seen.reused,
        teacher_calls=seen.misses,
        removed_inputs=max(0, previous.distinct_inputs - seen.reused) if previous else 0,
        teacher_seconds=seconds * seen.misses,
        bytes_on_disk=round(row_bytes * seen.rows),
        break_even_epochs=seen.misses / seen.train_rows
        if seen.misses and seen.train_rows
        else None,
    )


def forecast_text(found: Forecast) -> list[tuple[str, str]]:
    """Return a forecast as names and values for people."""
    share = found.reused_inputs / max(1, found.distinct_inputs)
    epochs = found.break_even_epochs
    return [
        ("rows", f"{found.rows} ({found.train_rows} train)"),
        ("distinct inputs", str(found.distinct_inputs)),
        ("reused", f"{found.reused_inputs} ({share:.1%})"),
        ("teacher calls", str(found.teacher_calls)),
        ("removed", str(found.removed_inputs)),
        ("teacher time", f"about {found.teacher_seconds:.0f} s in one process, from a sample"),
        ("bytes on disk", f"about {found.bytes_on_disk}"),
        ("pays off after", "at once" if epochs is None else f"{epochs:.2f} epochs of one student"),
    ]


@dataclass(frozen=True)
class _Seen:
    rows: int
    train_rows: int
    reused: int
    misses: int
    sample: pa.Table


def _scan(corpus: CorpusPlan, known: pa.Array) -> _Seen:
    rows = train_rows = 0
    digests: list[pa.Array] = []
    sample: pa.Table | None = None
    for part in _parts(corpus):
        rows += part.num_rows
        train_rows += pc.sum(pc.equal(part[SPLIT_COLUMN], "train")).as_py() or 0
        digests.append(pc.unique(part["input_digest"]))
        missed = part.filter(pc.invert(pc.is_in(part["input_digest"], value_set=known)))
        sample = _smallest(missed if sample is None else pa.concat_tables([sample, missed]))
    found = pc.unique(pa.chunked_array(digests, pa.binary()))
    reused = pc.sum(pc.is_in(found, value_set=known)).as_py() or 0
    empty = pa.table({"input_digest": pa.array([], pa.binary())})
    return _Seen(rows, train_rows, reused, len(found) - reused, empty if sample is None else sample)


def _parts(corpus: CorpusPlan) -> Iterator[pa.Table]:
    for unit in corpus.units:
        yield from read_unit(unit, corpus.corpus, corpus.head)


def _smallest(rows: pa.Table) -> pa.Table:
    """Return the rows of the smallest digests, one each: a sample that content decides."""
    ordered = rows.sort_by("input_digest")
    first = pc.unique(ordered["input_digest"]).slice(0, SAMPLE_INPUTS)
    return ordered.take(pc.index_in(first, value_set=ordered["input_digest"].combine_chunks()))


def _known_digests(previous: PreviousLabels | None) -> pa.Array:
    if previous is None:
        return pa.array([], pa.binary())
    parts = [read_shard(shard, ["input_digest"])["input_digest"] for shard in previous.shards]
    return pc.unique(pa.chunked_array([c for part in parts for c in part.chunks], pa.binary()))


def _sample_cost(plan: LabelPlan, sample: pa.Table, teacher: Teacher | None) -> tuple[float, float]:
    """Return seconds and bytes for one row of the sample."""
    if teacher is None:
        from stages.label.teachers.keras import KerasTeacher

        teacher = KerasTeacher(plan.teacher)
    run = plan.run
    rows = order_rows(sample, run.head)
    how = {"features": run.corpus.features, "batch_tokens": run.label.batch_tokens}
    soft_labels(teacher, rows, **how)  # traces the graph, untimed
    answer = soft_labels(teacher, rows, **how)
    logits = round_logits(answer.logits, precision=run.label.precision)
    whole = with_logits(rows, logits, features=run.corpus.features, head=run.head)
    data = encode_parquet(whole.drop_columns([SPLIT_COLUMN]), run.head)
    return answer.seconds / answer.calls, len(data) / rows.num_rows
