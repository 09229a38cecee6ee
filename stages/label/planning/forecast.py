"""Forecast: what a label run would do and cost, from a scan of the corpus and a timed sample.

Nothing is written. Inputs are counted exactly, but for views; time and size are estimates from a
sample of the inputs that would go to the teacher, each asked once. Memory: as of `scan.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from schemas.counted import counted
from schemas.crossing import crossing_text
from schemas.layout import Encoding, Layout
from stages.corpus.crossing_check import check_crossing
from stages.corpus.sample import SAMPLE_INPUTS
from stages.label.planning.budget import Attempted, calls_beside, why_asked_again
from stages.label.planning.cost import Asked, cost_before
from stages.label.planning.encoding import known_encoding
from stages.label.planning.plan import LabelPlan
from stages.label.planning.scan import Seen, ViewCounts, digests_of, scan, view_counts
from stages.label.planning.up_to_date import nothing_to_do, up_to_date
from stages.table.opening import SoftLabelTable, open_table, table_exists
from stages.table.previous import PreviousLabels, previous_labels, seconds_per_call
from stages.table.writing.staging import Staging
from stages.teachers.load import load_teacher
from stages.teachers.parts.protocol import Teacher

_UNKNOWN = "not known: nobody was asked"


@dataclass(frozen=True)
class Forecast:
    """What `label` would do.

    Attributes:
      rows, train_rows: of the corpus.
      crossing: inputs in several splits, by these; `crossing_left_out` rows of them are left out.
      views: augmented views, at most: some may say the same, or a held-out input.
      distinct_inputs: different teacher inputs: `reused_inputs` + `teacher_calls`, and those of
        the `kept_shards` of an interrupted run.
      removed_inputs: of the visible version, by this teacher, that left the corpus.
      quarantined: rows that cannot be read; the teacher may add some.
      calls_beside: calls that give no input its answer, at most: see `budget.py`.
      asked_again: why the answers of the table that is there do not count, where they do not.
      calls_before: that the interrupted run has made.
      max_teacher_calls: as the run file states it.
      refused: whether `label` would make more calls than that.
      sampled_calls: inputs that the teacher was asked for these estimates.
      teacher_seconds: estimate for the calls; 0 where there is none, None where nobody was asked.
      teacher_seconds_saved: what the reused answers cost when they were made.
      bytes_on_disk: estimate for the whole version; None where nobody was asked and no version is
        there.
      break_even_epochs: epochs of one student after which the calls have paid for themselves,
        against running the teacher inside training; None where nothing is called.
      up_to_date: what `label` says where it has nothing to do.
    """

    rows: int
    train_rows: int
    crossing: dict[str, int]
    crossing_left_out: int
    views: int
    distinct_inputs: int
    reused_inputs: int
    teacher_calls: int
    calls_beside: int
    kept_shards: int
    calls_before: int
    asked_again: str | None
    max_teacher_calls: int | None
    refused: bool
    sampled_calls: int
    removed_inputs: int
    quarantined: int
    teacher_seconds: float | None
    teacher_seconds_saved: float
    bytes_on_disk: int | None
    break_even_epochs: float | None
    up_to_date: str | None = None


@dataclass(frozen=True)
class _Look:
    """What a scan of a corpus says, with the answers that count for a layout.

    Attributes:
      layout: how logits are kept.
      previous: the version whose answers count, if any.
      whole: of the whole corpus; `left` of the shards that no attempt has finished.
    """

    layout: Layout
    previous: PreviousLabels | None
    whole: Seen
    left: Seen
    whole_views: ViewCounts
    left_views: ViewCounts

    @property
    def calls(self) -> int:
        """Inputs that the teacher is asked for their answer."""
        return self.left.misses + self.left_views.calls


def forecast(
    plan: LabelPlan, *, labels: Path, teacher: Teacher | None = None, inputs: int = SAMPLE_INPUTS
) -> Forecast:
    """Return what labelling the plan into `labels` would do.

    Args:
      plan: the run's.
      labels: the table's folder, which need not be there.
      teacher: for the timed sample; the plan's own, loaded only if it is needed, when None.
      inputs: that the teacher is asked at most; 0 for none, up to 256. Nobody is asked where
        `label` would refuse, or has nothing to do, and never more than the run file allows.

    Raises:
      PipelineError: what `label` itself would say of corpus, teacher or table.
    """
    table = up_to_date(plan, labels)
    if table is None or table.card.counts.crossing_inputs != 0:
        check_crossing(plan.corpus, tolerant=plan.run.label.tolerant)
    if table is not None:
        return _nothing_to_do(plan, table, labels)
    staging = Staging(labels, plan.work)
    done = Attempted(staging.buckets(), staging.calls_apart(), staging.asked.total())
    known = staging.encoding() or known_encoding(plan, labels)
    encoding = known.encoding if known else Encoding(precision="float32")
    look = _look(plan, labels, encoding, done)
    limit, beside = plan.run.label.max_teacher_calls, _calls_beside(plan, labels, done, look.calls)
    refused = limit is not None and done.calls + look.calls + beside > limit
    asks = 0 if refused else min(inputs, inputs if limit is None else limit)
    asked = Asked(plan, cache(lambda: teacher or load_teacher(plan.teacher)), asks)
    if known is None and look.whole.rows:
        look = _look_again(plan, labels, asked.encoding(labels), done, look)
    return _found(plan, labels, look, asked, done=done, refused=refused)


def _found(
    plan: LabelPlan, labels: Path, look: _Look, asked: Asked, *, done: Attempted, refused: bool
) -> Forecast:
    seen, calls, previous = look.whole, look.calls, look.previous
    cost = asked.cost(look.left.sample, look.layout)
    views = look.whole_views.calls + look.whole_views.reused
    reused = look.left.reused + look.left_views.reused
    still_there = seen.reused + look.whole_views.reused
    size = cost or cost_before(previous)
    nothing = None if seen.rows else 0
    return Forecast(
        rows=seen.rows,
        views=views,
        train_rows=seen.train_rows,
        crossing=seen.crossing,
        crossing_left_out=seen.crossing_left_out,
        distinct_inputs=seen.reused + seen.misses + views,
        reused_inputs=reused,
        teacher_calls=calls,
        calls_beside=_calls_beside(plan, labels, done, calls),
        kept_shards=len(done.buckets),
        calls_before=done.calls,
        asked_again=_why_asked_again(plan, labels),
        max_teacher_calls=plan.run.label.max_teacher_calls,
        refused=refused,
        sampled_calls=asked.calls,
        removed_inputs=max(0, previous.distinct_inputs - still_there) if previous else 0,
        quarantined=seen.quarantined,
        teacher_seconds=(cost.seconds * calls if cost else None) if calls else 0.0,
        teacher_seconds_saved=reused * previous.seconds_per_call if previous else 0.0,
        bytes_on_disk=size.whole_bytes(seen.rows + views, seen.files) if size else nothing,
        break_even_epochs=calls / seen.train_rows if calls and seen.train_rows else None,
    )


def _nothing_to_do(plan: LabelPlan, table: SoftLabelTable, labels: Path) -> Forecast:
    """Return what the card of a table that is up to date says."""
    counts = table.card.counts
    return Forecast(
        rows=counts.rows,
        views=counts.views,
        train_rows=counts.split_rows.get("train", 0),
        crossing=counts.crossing_splits,
        crossing_left_out=counts.crossing_left_out,
        distinct_inputs=counts.distinct_inputs,
        reused_inputs=counts.distinct_inputs,
        teacher_calls=0,
        calls_beside=0,
        kept_shards=0,
        calls_before=0,
        asked_again=None,
        max_teacher_calls=plan.run.label.max_teacher_calls,
        refused=False,
        sampled_calls=0,
        removed_inputs=0,
        quarantined=counts.quarantined,
        teacher_seconds=0.0,
        teacher_seconds_saved=counts.distinct_inputs * seconds_per_call(table.card),
        bytes_on_disk=sum(shard.size_bytes for shard in table.shards),
        break_even_epochs=None,
        up_to_date=nothing_to_do(counts.quarantined, labels),
    )


def _look(plan: LabelPlan, labels: Path, encoding: Encoding, done: Attempted) -> _Look:
    previous = previous_labels(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=plan.run.corpus.features,
        encoding=encoding,
    )
    known = digests_of(previous.shards if previous else ())
    whole = scan(plan, known)
    left = scan(plan, known, finished=done.buckets) if done.buckets else whole
    made = previous.views if previous else None
    views = [view_counts(plan, seen, made) for seen in (whole, left)]
    return _Look(plan.run.layout(encoding), previous, whole, left, *views)


def _look_again(
    plan: LabelPlan, labels: Path, encoding: Encoding, done: Attempted, look: _Look
) -> _Look:
    """Return a look with the encoding that was chosen; with a table, other answers may count."""
    if table_exists(labels):
        return _look(plan, labels, encoding, done)
    return replace(look, layout=plan.run.layout(encoding))


def _calls_beside(plan: LabelPlan, labels: Path, done: Attempted, calls: int) -> int:
    return calls_beside(plan, labels, done.apart, inputs=calls) if _can_be_asked(plan) else 0


def forecast_text(found: Forecast) -> list[tuple[str, str]]:
    """Return a forecast as names and values for people."""
    share = found.reused_inputs / max(1, found.distinct_inputs)
    epochs = found.break_even_epochs
    most = "at most " if found.views and not found.up_to_date else ""
    size = found.bytes_on_disk
    reading = "" if found.up_to_date else " at reading"
    return [
        *([("label", found.up_to_date)] if found.up_to_date else []),
        ("rows", f"{found.rows} ({found.train_rows} train)"),
        ("inputs in several splits", _crossing_text(found)),
        ("views", f"{most}{found.views}"),
        ("distinct inputs", f"{most}{found.distinct_inputs}"),
        ("reused", f"{found.reused_inputs} ({share:.1%})"),
        *([("not reused", found.asked_again)] if found.asked_again else []),
        *_kept_text(found),
        ("teacher calls", f"{most}{found.teacher_calls}"),
        ("calls beside them", f"at most {found.calls_beside}"),
        *_budget_text(found),
        ("removed", str(found.removed_inputs)),
        ("quarantined", f"{found.quarantined}{reading}"),
        ("teacher time", _time_text(found)),
        ("teacher time saved", f"about {found.teacher_seconds_saved:.0f} s"),
        ("bytes on disk", _UNKNOWN if size is None else f"about {size}"),
        ("pays off after", "at once" if epochs is None else f"{epochs:.2f} epochs of one student"),
        ("asked for this plan", f"{found.sampled_calls} inputs"),
    ]


def _crossing_text(found: Forecast) -> str:
    inputs, left_out = sum(found.crossing.values()), found.crossing_left_out
    return crossing_text(inputs, found.crossing, left_out=left_out) if inputs else "0"


def _kept_text(found: Forecast) -> list[tuple[str, str]]:
    if not (found.kept_shards or found.calls_before):
        return []
    text = (
        f"{counted(found.kept_shards, 'shard')} of an interrupted run, which made "
        f"{counted(found.calls_before, 'call')}"
    )
    return [("kept", text)]


def _time_text(found: Forecast) -> str:
    if found.teacher_seconds is None:
        return _UNKNOWN
    return f"about {found.teacher_seconds:.0f} s in one process, from a sample"


def _budget_text(found: Forecast) -> list[tuple[str, str]]:
    if found.max_teacher_calls is None:
        return []
    said = ": label would refuse" if found.refused else ""
    return [("allowed", f"{found.max_teacher_calls}{said}")]


def _why_asked_again(plan: LabelPlan, labels: Path) -> str | None:
    there = _can_be_asked(plan) and table_exists(labels)
    return why_asked_again(plan, open_table(labels)) if there else None


def _can_be_asked(plan: LabelPlan) -> bool:
    return plan.teacher.how.kind != "column"
