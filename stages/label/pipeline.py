"""Label a corpus: run the plan on Beam, check that nothing was lost, commit once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ConservationError, CorpusError
from schemas.layout import Layout
from schemas.soft_labels import ChosenEncoding
from stages.asking.quality import check_gates, quality_of, teacher_quality
from stages.corpus.crossing_check import check_crossing
from stages.corpus.files import CorpusPlan
from stages.label.artefacts import artefacts_exist, export_artefacts
from stages.label.card import count, counts_text, say_crossing, table_card
from stages.label.passes import (
    RESIDENT_PER_BYTE,
    bucket_passes,
    corpus_bytes,
    default_shuffle_bytes,
)
from stages.label.planning.budget import Attempted, check_budget
from stages.label.planning.encoding import chosen_encoding
from stages.label.planning.plan import LOCAL, LabelPlan, Machinery
from stages.label.planning.preflight import check_reading, preflight
from stages.label.planning.runtime import check_runtime
from stages.label.planning.up_to_date import nothing_to_do, up_to_date
from stages.machine.allocator import return_freed_memory
from stages.machine.listing import first_few
from stages.machine.own_folders import table_alone
from stages.machine.progress import say
from stages.table.class_rows import say_scarce
from stages.table.opening import SoftLabelTable, open_table
from stages.table.previous import PreviousLabels, has_answered, previous_labels
from stages.table.writing.publish import commit, put_in_place, version_number
from stages.table.writing.quarantine import quarantine_path, settle
from stages.table.writing.staging import BucketRecord, Staging, UnitRecord, bucket_name, unit_name
from stages.teachers.loaded import forget_teacher, teacher_at_hand

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


def label(plan: LabelPlan, *, labels: Path, machinery: Machinery = LOCAL) -> SoftLabelTable:
    """Make the table of a plan, or say that it is there.

    An interrupted run is continued: buckets that were finished are kept.

    Raises:
      BusyError: another process writes the table.
      PipelineError: any stated failure; nothing became visible.
    """
    staging = Staging(labels, plan.work)
    try:
        with table_alone(labels):
            if current := up_to_date(plan, labels):
                check_gates(quality_of(current), plan.run.label, visible=True)
                if current.card.counts.crossing_inputs != 0:
                    check_crossing(plan.corpus, tolerant=plan.run.label.tolerant)
                say(f"label: {nothing_to_do(current.card.counts.quarantined, labels)}")
            else:
                _label_anew(plan, labels, staging, machinery)
            table = open_table(labels, head=plan.run.head)
            if not artefacts_exist(table):
                export_artefacts(table, plan.teacher, speed=staging.speed())
            staging.remove()
            return table
    finally:
        forget_teacher()


def _label_anew(plan: LabelPlan, labels: Path, staging: Staging, machinery: Machinery) -> None:
    from stages.label.beam.engine import engine_options, is_in_process

    options = engine_options(machinery.beam_arguments)
    check_crossing(plan.corpus, tolerant=plan.run.label.tolerant)
    done = _attempted(staging)
    check_budget(plan, labels, done)
    _ask_first(plan, labels, staging, in_process=is_in_process(options))
    chosen = _encoding(plan, labels, staging)
    previous = previous_labels(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=plan.run.corpus.features,
        encoding=chosen.encoding,
    )
    checked = previous.runtime_check if previous else check_runtime(plan, staging)
    layout = plan.run.layout(chosen.encoding)
    _run_engine(plan, staging, previous, layout, machinery, options)
    buckets, units = staging.buckets(), staging.units()
    read = check_conservation(plan.corpus, units, buckets)
    names = [*map(unit_name, units), *map(bucket_name, buckets)]
    place = quarantine_path(labels, plan.fingerprint)
    quarantined = settle(staging, names, how=plan.run.label, rows=read, path=place)
    if read == quarantined:
        raise CorpusError(
            f"corpus is empty: {len(plan.corpus.files)} files with no usable row. Nothing was "
            "committed. Mend corpus.files."
        )
    counts = count(
        buckets,
        previous,
        resumed=len(done.buckets),
        quarantined=quarantined,
        apart=staging.calls_apart(),
        asked=staging.asked.total(),
    )
    quality = teacher_quality(buckets, staging, layout)
    check_gates(quality, plan.run.label)
    card = table_card(plan, counts, chosen, quality, checked)
    attempt = f"{plan.fingerprint}:{version_number(labels) + 1}"
    commit(labels, shards=put_in_place(buckets, staging), card=card, attempt=attempt)
    say(f"label: {counts_text(counts)}; committed")
    say_crossing(counts, how=plan.run.corpus.crossing)
    say_scarce("label", quality.class_rows, plan.run.head)
    if quarantined:
        rows = "1 row is" if quarantined == 1 else f"{quarantined} rows are"
        say(f"label: {rows} in quarantine, with the reason: {place}")


def _attempted(staging: Staging) -> Attempted:
    kept = staging.buckets()
    if kept:
        say(f"label: {len(kept)} shards kept from an interrupted run")
    staging.forget_units()
    done = Attempted(kept, staging.calls_apart(), staging.asked.total())
    staging.asked.at_least(done.calls)
    return done


def _encoding(plan: LabelPlan, labels: Path, staging: Staging) -> ChosenEncoding:
    chosen = staging.encoding() or chosen_encoding(
        plan,
        labels,
        teacher=lambda: teacher_at_hand(plan.teacher),
        before=staging.asked.note,
        note=lambda _, answer: staging.count_calls("encoding", answer.asked, answer.seconds),
    )
    staging.write_encoding(chosen)
    return chosen


def _ask_first(plan: LabelPlan, labels: Path, staging: Staging, *, in_process: bool) -> None:
    """Have a teacher checked that has not answered yet, here or for the attempt that goes on."""
    known = has_answered(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=plan.run.corpus.features,
    )
    if known or "preflight" in staging.calls_apart().calls:
        check_reading(plan, in_process=in_process)
        return
    if found := preflight(plan, in_process=in_process, note=staging.asked.note):
        staging.count_calls("preflight", found.calls, found.seconds)
        staging.keep_latency(found.latency_seconds, found.timed_calls)


def _run_engine(
    plan: LabelPlan,
    staging: Staging,
    previous: PreviousLabels | None,
    layout: Layout,
    machinery: Machinery,
    options: PipelineOptions,
) -> None:
    import apache_beam as beam

    from stages.label.beam.engine import execute, is_local
    from stages.label.beam.handler import TeacherHandler
    from stages.label.beam.transforms import LabelCorpus

    run = plan.run
    handler = TeacherHandler(
        plan.teacher,
        features=run.corpus.features,
        how=run.label,
        head=run.head,
        note=staging.asked.note,
    )
    passes = _passes(plan, machinery) if is_local(options) else [range(run.label.num_shards)]
    for number, part in enumerate(passes, start=1):
        if len(passes) > 1:
            say(f"label: pass {number} of {len(passes)}, shards {part[0]} to {part[-1]}")
        others = set(range(run.label.num_shards)) - set(part)
        stage = LabelCorpus(
            corpus=run.corpus,
            layout=layout,
            how=run.label,
            skipped=frozenset(staging.buckets()) | others,
            staging=staging,
            handler=handler,
            previous=previous,
            answers=plan.corpus.answers,
        )

        def build(pipeline: beam.Pipeline, stage: LabelCorpus = stage) -> object:
            return pipeline | beam.Create(plan.corpus.units) | stage

        execute(
            options,
            build,
            finished=lambda: len(list(staging.path.glob("bucket-*.json"))),
            total=run.label.num_shards,
        )
        return_freed_memory()


def _passes(plan: LabelPlan, machinery: Machinery) -> list[range]:
    limit = machinery.max_shuffle_bytes or default_shuffle_bytes()
    size, shards = corpus_bytes(plan.corpus), plan.run.label.num_shards
    if size * RESIDENT_PER_BYTE > limit * shards:
        say(f"label: a pass of one shard may take more than {limit} bytes; raise label.num_shards")
    return bucket_passes(size, num_shards=shards, max_shuffle_bytes=limit)


def check_conservation(
    corpus: CorpusPlan, units: Mapping[str, UnitRecord], buckets: Mapping[int, BucketRecord]
) -> int:
    """Return the number of rows read, once every one of them is staged or in quarantine.

    Raises:
      ConservationError: a unit was not read to its end, or a unit's or bucket's rows differ.
    """
    if unread := [unit.name for unit in corpus.units if unit.name not in units]:
        raise ConservationError(
            f"corpus was not read to its end: {first_few(unread, most=5)}. Nothing was committed; "
            "run `label` again."
        )
    sent: dict[int, int] = {}
    for unit in corpus.units:
        record = units[unit.name]
        for bucket, rows in record.rows_by_bucket.items():
            sent[bucket] = sent.get(bucket, 0) + rows
        if sum(record.rows_by_bucket.values()) + record.quarantined != record.rows:
            raise ConservationError(
                f"rows were lost or doubled: {unit.name}: {record.rows} read, {record.quarantined} "
                f"quarantined, {sum(record.rows_by_bucket.values())} sent on. Nothing was "
                "committed; run `label` again."
            )
    staged = {
        bucket: record.rows + record.quarantined + record.left_out
        for bucket, record in buckets.items()
    }
    if sent != staged:
        wrong = sorted(b for b in sent.keys() | staged.keys() if sent.get(b) != staged.get(b))
        raise ConservationError(
            f"rows were lost or doubled: shards {first_few(wrong, most=10)}: "
            f"{sum(sent.values())} read, {sum(staged.values())} staged. Nothing was committed; run "
            "`label` again."
        )
    return sum(record.rows for record in units.values())
