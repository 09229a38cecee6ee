"""The card of a commit: what was counted, and everything that determined the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from schemas.counted import counted
from schemas.crossing import Crossing
from schemas.layout import ASIDE, SPLITS
from schemas.quality import RuntimeCheck, TeacherQuality
from schemas.soft_labels import (
    FORMAT_VERSION,
    OTHER_CALLS,
    ChosenEncoding,
    Counts,
    TableCard,
)
from stages.corpus.crossing import summed
from stages.label.planning.plan import LabelPlan
from stages.machine.progress import say
from stages.table.previous import PreviousLabels
from stages.table.writing.staging import BucketRecord, CallsApart


def count(
    buckets: Mapping[int, BucketRecord],
    previous: PreviousLabels | None,
    *,
    resumed: int,
    quarantined: int,
    apart: CallsApart | None = None,
    asked: int = 0,
) -> Counts:
    """Return the counts of finished buckets.

    Args:
      buckets: all of them.
      previous: the version whose answers were reused, if any.
      resumed: buckets kept from an interrupted attempt.
      quarantined: corpus rows that are left out.
      apart: what the teacher was asked beside their inputs, if anything.
      asked: inputs of all calls of all attempts, as they were noted, if anything.
    """
    records = list(buckets.values())
    files = [file for record in records for file in record.files]
    calls = sum(record.calls for record in records)
    reused = sum(record.reused for record in records)
    known = previous.distinct_inputs if previous else 0
    saved = reused * previous.seconds_per_call if previous else 0.0
    apart = apart or CallsApart()
    done = calls + sum(apart.calls.values())
    again = max(asked - done, sum(record.asked_again for record in records))
    others = {name: calls for name, calls in {**apart.calls, "again": again}.items() if calls}
    crossing = _crossing([record.crossing for record in records])
    return Counts(
        rows=sum(record.rows for record in records),
        distinct_inputs=calls + reused,
        teacher_calls=calls + sum(others.values()),
        teacher_seconds=round(apart.seconds + sum(record.seconds for record in records), 3),
        truncated=sum(record.truncated for record in records),
        resumed_shards=resumed,
        split_rows={
            split: sum(file.rows - file.views for file in files if file.split == split)
            for split in (*SPLITS, ASIDE)
        },
        reused_inputs=reused,
        removed_inputs=max(0, known - reused),
        teacher_seconds_saved=round(saved, 3),
        quarantined=quarantined,
        views=sum(file.views for file in files),
        left_out=sum(record.left_out for record in records),
        unseen_positions=sum(record.unseen_positions for record in records),
        other_calls=others,
        crossing_inputs=None if crossing is None else sum(crossing.values()),
        crossing_splits=crossing or {},
        crossing_left_out=sum(record.crossing_left_out for record in records),
        views_left_out=sum(record.views_left_out for record in records),
    )


def _crossing(counts: Sequence[dict[str, int] | None]) -> dict[str, int] | None:
    """Return how many inputs are in which splits; None where they were not counted everywhere."""
    known = [one for one in counts if one is not None]
    return summed(known) if len(known) == len(counts) else None


def table_card(
    plan: LabelPlan,
    counts: Counts,
    chosen: ChosenEncoding,
    quality: TeacherQuality,
    checked: RuntimeCheck | None,
) -> TableCard:
    """Return what is written into the commit."""
    return TableCard(
        format_version=FORMAT_VERSION,
        plan_fingerprint=plan.fingerprint,
        teacher_fingerprint=plan.teacher.fingerprint,
        corpus_digest=plan.corpus.digest,
        code_version=code_version(),
        features=plan.run.corpus.features,
        feature_kinds=plan.run.corpus.feature_kinds,
        head=plan.run.head,
        num_shards=plan.run.label.num_shards,
        precision=chosen.encoding.precision,
        top_k=chosen.encoding.top_k,
        kl_nats=chosen.kl_nats,
        counts=counts,
        quality=quality,
        runtime_check=checked,
        run_file=plan.run.model_dump(mode="json"),
    )


def counts_text(counts: Counts) -> str:
    """Return the counts as one line."""
    splits = ", ".join(f"{rows} {split}" for split, rows in counts.split_rows.items() if rows)
    text = (
        f"{counted(counts.rows, 'row')} ({splits}), "
        f"{counted(counts.distinct_inputs, 'distinct input', 'distinct inputs')}, "
        f"{calls_text(counts)}, {counts.truncated} truncated"
    )
    if counts.unseen_positions:
        text += f"; {counts.unseen_positions} positions not seen by the teacher"
    if counts.views:
        text += f"; {counted(counts.views, 'view')}"
    if counts.views_left_out:
        text += f"; {counts.views_left_out} views left out, which are inputs of validation or test"
    if unlabelled := counts.left_out - counts.crossing_left_out:
        text += f"; {unlabelled} unlabelled rows left out, their text is labelled"
    if counts.quarantined:
        text += f"; {counts.quarantined} quarantined"
    if counts.reused_inputs or counts.removed_inputs:
        share = counts.reused_inputs / max(1, counts.distinct_inputs)
        text += (
            f"; {counts.reused_inputs} reused ({share:.1%}), {counts.teacher_seconds_saved:.1f} s "
            f"of the teacher saved, {counts.removed_inputs} removed"
        )
    return text


def say_crossing(counts: Counts, *, how: Crossing) -> None:
    """Say how many inputs are in several splits, where some are, and what can be done."""
    if counts.crossing_said is None:
        return
    remedy = (
        ', which flatters figures there; with corpus.crossing = "drop" each stays in test, else in '
        "validation, only"
    )
    say(f"label: {counts.crossing_said}{remedy if how == 'keep' else ''}")


def calls_text(counts: Counts) -> str:
    """Return how often the teacher was asked, and for what beside the inputs' answers."""
    calls = counted(counts.teacher_calls, "teacher call", "teacher calls")
    text = f"{calls} in {counts.teacher_seconds:.1f} s"
    others = [
        f"{count} {OTHER_CALLS.get(name, name)}" for name, count in counts.other_calls.items()
    ]
    return f"{text} (of which {', '.join(others)})" if others else text


def code_version() -> str:
    """Return the installed release of softshards."""
    try:
        return version("softshards")
    except PackageNotFoundError:
        return "not installed"
