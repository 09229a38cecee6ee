"""Label a corpus: run the plan on Beam, check that nothing was lost, commit once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas.errors import ConservationError, CorpusError
from stages.label.artefacts import artefacts_exist, export_artefacts
from stages.label.card import count, counts_text, table_card
from stages.label.corpus import CorpusPlan
from stages.label.passes import (
    RESIDENT_PER_BYTE,
    bucket_passes,
    corpus_bytes,
    default_shuffle_bytes,
)
from stages.label.plan import LOCAL, LabelPlan, Machinery
from stages.label.previous import PreviousLabels, previous_labels
from stages.label.publish import commit, put_in_place, version_number
from stages.label.staging import BucketRecord, Staging, UnitRecord
from stages.progress import say
from stages.table import SoftLabelTable, open_table, table_exists


def label(plan: LabelPlan, *, labels: Path, machinery: Machinery = LOCAL) -> SoftLabelTable:
    """Make the table of a plan, or say that it is there.

    An interrupted run is continued: buckets that were finished are kept.

    Raises:
      PipelineError: any stated failure; nothing became visible.
    """
    if _is_current(plan, labels):
        say(f"label: nothing to do, {labels} is up to date")
    else:
        _label_anew(plan, labels, machinery)
    table = open_table(labels, head=plan.run.head)
    if not artefacts_exist(table):
        export_artefacts(table, plan.teacher)
    return table


def _is_current(plan: LabelPlan, labels: Path) -> bool:
    if not table_exists(labels):
        return False
    return open_table(labels).card.plan_fingerprint == plan.fingerprint


def _label_anew(plan: LabelPlan, labels: Path, machinery: Machinery) -> None:
    staging = Staging(labels, plan.fingerprint)
    kept = staging.buckets()
    if kept:
        say(f"label: {len(kept)} shards kept from an interrupted run")
    staging.forget_units()
    previous = previous_labels(
        labels,
        teacher_fingerprint=plan.teacher.fingerprint,
        features=plan.run.corpus.features,
        precision=plan.run.label.precision,
    )
    _run_engine(plan, staging, previous, machinery)
    buckets = staging.buckets()
    rows = check_conservation(plan.corpus, staging.units(), buckets)
    if rows == 0:
        raise CorpusError(
            f"corpus is empty: {len(plan.corpus.files)} files with no row. Nothing was committed."
        )
    counts = count(buckets, previous, resumed=len(kept))
    card = table_card(plan, counts)
    attempt = f"{plan.fingerprint}:{version_number(labels) + 1}"
    commit(labels, shards=put_in_place(buckets, staging), card=card, attempt=attempt)
    staging.remove()
    say(f"label: {counts_text(counts)}; committed")


def _run_engine(
    plan: LabelPlan,
    staging: Staging,
    previous: PreviousLabels | None,
    machinery: Machinery,
) -> None:
    import apache_beam as beam

    from stages.label.engine import engine_options, execute, is_local
    from stages.label.handler import TeacherHandler
    from stages.label.transforms import LabelCorpus

    run = plan.run
    handler = TeacherHandler(
        plan.teacher, features=run.corpus.features, batch_tokens=run.label.batch_tokens
    )
    options = engine_options(machinery.beam_arguments)
    passes = _passes(plan, machinery) if is_local(options) else [range(run.label.num_shards)]
    for number, part in enumerate(passes, start=1):
        if len(passes) > 1:
            say(f"label: pass {number} of {len(passes)}, shards {part[0]} to {part[-1]}")
        others = set(range(run.label.num_shards)) - set(part)
        stage = LabelCorpus(
            corpus=run.corpus,
            head=run.head,
            num_shards=run.label.num_shards,
            precision=run.label.precision,
            skipped=frozenset(staging.buckets()) | others,
            staging=staging,
            handler=handler,
            previous=previous,
        )
        execute(
            options,
            lambda pipeline, stage=stage: pipeline | beam.Create(plan.corpus.units) | stage,
            finished=lambda: len(list(staging.path.glob("bucket-*.json"))),
            total=run.label.num_shards,
        )


def _passes(plan: LabelPlan, machinery: Machinery) -> list[range]:
    limit = machinery.max_shuffle_bytes or default_shuffle_bytes()
    size, shards = corpus_bytes(plan.corpus), plan.run.label.num_shards
    if size * RESIDENT_PER_BYTE > limit * shards:
        say(f"label: a pass of one shard may take more than {limit} bytes; raise label.num_shards")
    return bucket_passes(size, num_shards=shards, max_shuffle_bytes=limit)


def check_conservation(
    corpus: CorpusPlan, units: Mapping[str, UnitRecord], buckets: Mapping[int, BucketRecord]
) -> int:
    """Return the number of rows, once rows read and rows staged agree, bucket by bucket.

    Raises:
      ConservationError: a unit was not read to its end, or a bucket's rows differ.
    """
    if unread := [unit.name for unit in corpus.units if unit.name not in units]:
        raise ConservationError(
            f"corpus was not read to its end: {', '.join(unread[:5])}. Nothing was committed; "
            "run `label` again."
        )
    read: dict[int, int] = {}
    for unit in corpus.units:
        for bucket, rows in units[unit.name].rows_by_bucket.items():
            read[bucket] = read.get(bucket, 0) + rows
    written = {bucket: record.rows for bucket, record in buckets.items()}
    if read != written:
        wrong = sorted(b for b in read.keys() | written.keys() if read.get(b) != written.get(b))
        raise ConservationError(
            f"rows were lost or doubled: shards {wrong[:10]}: {sum(read.values())} read, "
            f"{sum(written.values())} written. Nothing was committed; run `label` again."
        )
    return sum(read.values())
