"""Forecast: what a label run would do and cost, from a scan of the corpus and a timed sample.

Nothing is written. Inputs are counted exactly; time and size are estimates from a sample of the
inputs that would go to the teacher, each of which is asked once. Memory: as of `scan.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

from schemas.layout import SPLIT_COLUMN, Encoding, Layout
from stages.label.ask import SoftLabels, soft_labels
from stages.label.budget import calls_beside, why_asked_again
from stages.label.encoding import chosen_encoding, known_encoding
from stages.label.plan import LabelPlan
from stages.label.previous import PreviousLabels, previous_labels
from stages.label.sample import SAMPLE_INPUTS
from stages.label.scan import digests_of, scan, view_counts
from stages.label.shards import encode_parquet, order_rows, with_logits
from stages.label.staging import CallsApart
from stages.label.teacher import Teacher
from stages.label.teachers import load_teacher
from stages.row_logits import RowLogits
from stages.table import open_table, table_exists

_UNKNOWN = "not known: nobody was asked"


@dataclass(frozen=True)
class Forecast:
    """What `label` would do.

    Attributes:
      rows, train_rows: of the corpus.
      views: augmented views, at most: some may say the same.
      distinct_inputs: different teacher inputs: `reused_inputs` + `teacher_calls`.
      removed_inputs: of the visible version, by this teacher, that left the corpus.
      quarantined: rows that cannot be read; the teacher may add some.
      calls_beside: calls that give no input its answer, at most: see `budget.py`.
      asked_again: why the answers of the table that is there do not count, where they do not.
      max_teacher_calls: as the run file states it.
      sampled_calls: inputs that the teacher was asked for these estimates.
      teacher_seconds: estimate for the calls; 0 where there is none, None where nobody was asked.
      teacher_seconds_saved: what the reused answers cost when they were made.
      bytes_on_disk: estimate for the whole version; None where nobody was asked and no version is
        there.
      break_even_epochs: epochs of one student after which the calls have paid for themselves,
        against running the teacher inside training; None where nothing is called.
    """

    rows: int
    train_rows: int
    views: int
    distinct_inputs: int
    reused_inputs: int
    teacher_calls: int
    calls_beside: int
    asked_again: str | None
    max_teacher_calls: int | None
    sampled_calls: int
    removed_inputs: int
    quarantined: int
    teacher_seconds: float | None
    teacher_seconds_saved: float
    bytes_on_disk: int | None
    break_even_epochs: float | None


def forecast(
    plan: LabelPlan, *, labels: Path, teacher: Teacher | None = None, inputs: int = SAMPLE_INPUTS
) -> Forecast:
    """Return what labelling the plan into `labels` would do.

    Args:
      plan: the run's.
      labels: the table's folder, which need not be there.
      teacher: for the timed sample; the plan's own, loaded only if it is needed, when None.
      inputs: that the teacher is asked at most; 0 for none, up to 256.

    Raises:
      PipelineError: what `label` itself would say of corpus, teacher or table.
    """
    asked = _Asked(plan, cache(lambda: teacher or load_teacher(plan.teacher)), inputs)
    layout = plan.run.layout(asked.encoding(labels))
    previous = previous_labels(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=plan.run.corpus.features,
        encoding=layout.encoding,
    )
    seen = scan(plan, digests_of(previous.shards if previous else ()))
    cost = asked.cost(seen.sample, layout)
    views = view_counts(plan, seen, previous.views if previous else None)
    calls, reused = seen.misses + views.calls, seen.reused + views.reused
    row_bytes = _row_bytes(previous) if cost is None else cost.row_bytes
    apart = CallsApart()
    return Forecast(
        rows=seen.rows,
        views=views.calls + views.reused,
        train_rows=seen.train_rows,
        distinct_inputs=calls + reused,
        reused_inputs=reused,
        teacher_calls=calls,
        calls_beside=calls_beside(plan, labels, apart, inputs=calls) if _can_be_asked(plan) else 0,
        asked_again=_why_asked_again(plan, labels),
        max_teacher_calls=plan.run.label.max_teacher_calls,
        sampled_calls=asked.calls,
        removed_inputs=max(0, previous.distinct_inputs - reused) if previous else 0,
        quarantined=seen.quarantined,
        teacher_seconds=(cost.seconds * calls if cost else None) if calls else 0.0,
        teacher_seconds_saved=reused * previous.seconds_per_call if previous else 0.0,
        bytes_on_disk=_whole_bytes(row_bytes, seen.rows + views.calls + views.reused),
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
        *([("not reused", found.asked_again)] if found.asked_again else []),
        ("teacher calls", str(found.teacher_calls)),
        ("calls beside them", f"at most {found.calls_beside}"),
        *_budget_text(found),
        ("removed", str(found.removed_inputs)),
        ("quarantined", f"{found.quarantined} at reading"),
        ("teacher time", _time_text(found)),
        ("teacher time saved", f"about {found.teacher_seconds_saved:.0f} s"),
        (
            "bytes on disk",
            _UNKNOWN if found.bytes_on_disk is None else f"about {found.bytes_on_disk}",
        ),
        ("pays off after", "at once" if epochs is None else f"{epochs:.2f} epochs of one student"),
        ("asked for this plan", f"{found.sampled_calls} inputs"),
    ]


def _time_text(found: Forecast) -> str:
    if found.teacher_seconds is None:
        return _UNKNOWN
    return f"about {found.teacher_seconds:.0f} s in one process, from a sample"


def _budget_text(found: Forecast) -> list[tuple[str, str]]:
    if found.max_teacher_calls is None:
        return []
    over = found.teacher_calls + found.calls_beside > found.max_teacher_calls
    return [("allowed", f"{found.max_teacher_calls}{': label would refuse' if over else ''}")]


def _why_asked_again(plan: LabelPlan, labels: Path) -> str | None:
    there = _can_be_asked(plan) and table_exists(labels)
    return why_asked_again(plan, open_table(labels)) if there else None


def _can_be_asked(plan: LabelPlan) -> bool:
    return plan.teacher.how.kind != "column"


@dataclass(frozen=True)
class _Cost:
    seconds: float
    row_bytes: float


class _Asked:
    """What a teacher is asked for a forecast: so many inputs at most, none of them twice."""

    def __init__(self, plan: LabelPlan, teacher: Callable[[], Teacher], inputs: int) -> None:
        self._plan, self._teacher, self._inputs = plan, teacher, inputs
        self._answers: list[tuple[pa.Table, SoftLabels]] = []

    @property
    def calls(self) -> int:
        """Inputs that it was asked."""
        return sum(answer.asked for _, answer in self._answers)

    def encoding(self, labels: Path) -> Encoding:
        """Return how logits would be kept: of `auto` as half of the inputs say."""
        half = self._inputs // 2
        known = known_encoding(self._plan, labels)
        if known is not None or half == 0:
            return known.encoding if known else Encoding()
        return chosen_encoding(
            self._plan, labels, teacher=self._teacher, note=self._note, inputs=half
        ).encoding

    def cost(self, sample: pa.Table, layout: Layout) -> _Cost | None:
        """Return seconds and bytes for one row of a sample, or None where nobody was asked.

        The first quarter is asked for the graph, and not timed, unless an encoding was chosen.
        """
        rest = sample.slice(self.calls, max(0, self._inputs - self.calls))
        if rest.num_rows:
            rest = order_rows(rest, layout.head)
            first = 0 if self._answers else rest.num_rows // 4
            for part in (rest.slice(0, first), rest.slice(first)):
                self._ask(part, layout)
        if not self._answers:
            return None
        rows = pa.concat_tables([rows for rows, _ in self._answers])
        logits = RowLogits.joined([answer.answers for _, answer in self._answers])
        whole = with_logits(rows, logits, layout).drop_columns([SPLIT_COLUMN])
        timed = self._answers[-1][1]
        size = len(encode_parquet(whole, layout))
        return _Cost(timed.seconds / max(1, timed.calls), size / rows.num_rows)

    def _ask(self, rows: pa.Table, layout: Layout) -> None:
        if rows.num_rows == 0:
            return
        how = self._plan.run.label
        answer = soft_labels(
            self._teacher(), rows, features=layout.features, how=how, head=layout.head
        )
        self._note(rows, answer)

    def _note(self, rows: pa.Table, answer: SoftLabels) -> None:
        self._answers.append((rows, answer))


def _row_bytes(previous: PreviousLabels | None) -> float | None:
    if previous is None:
        return None
    rows = sum(shard.rows for shard in previous.shards)
    return sum(shard.size_bytes for shard in previous.shards) / max(1, rows)


def _whole_bytes(row_bytes: float | None, rows: int) -> int | None:
    if row_bytes is None:
        return None if rows else 0
    return round(row_bytes * rows)
