"""Label a corpus: plan, run on Beam, check that nothing was lost, commit once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from schemas.errors import ConservationError, CorpusError
from schemas.provenance import fingerprint
from schemas.run_file import RunFile
from schemas.soft_labels import FORMAT_VERSION, SPLITS, Counts, TableCard
from stages.label.artefacts import artefacts_exist, export_artefacts
from stages.label.corpus import CorpusPlan, plan_corpus
from stages.label.publish import commit, put_in_place, version_number
from stages.label.staging import BucketRecord, Staging, UnitRecord
from stages.progress import say
from stages.table import SoftLabelTable, open_table, table_exists
from stages.teacher_folder import TeacherFolder


@dataclass(frozen=True)
class LabelPlan:
    """What a label run would make, and the fingerprint of everything that decides it."""

    run: RunFile
    corpus: CorpusPlan
    teacher: TeacherFolder
    fingerprint: str


def plan_label(run: RunFile, *, base: Path, teacher: TeacherFolder) -> LabelPlan:
    """Find the corpus and say what the table would be made of.

    Raises:
      AssetError, CorpusError: the corpus cannot be had.
    """
    corpus = plan_corpus(run, base=base)
    parts = {
        "format_version": FORMAT_VERSION,
        "teacher": teacher.fingerprint,
        "corpus": corpus.digest,
        "label": run.label.model_dump(mode="json"),
    }
    return LabelPlan(run, corpus, teacher, fingerprint(parts))


def label(plan: LabelPlan, *, labels: Path, beam_arguments: Sequence[str] = ()) -> SoftLabelTable:
    """Make the table of a plan, or say that it is there.

    An interrupted run is continued: buckets that were finished are kept.

    Raises:
      PipelineError: any stated failure; nothing became visible.
    """
    if _is_current(plan, labels):
        say(f"label: nothing to do, {labels} is up to date")
    else:
        _label_anew(plan, labels, beam_arguments)
    table = open_table(labels, head=plan.run.head)
    if not artefacts_exist(table):
        export_artefacts(table, plan.teacher)
    return table


def _is_current(plan: LabelPlan, labels: Path) -> bool:
    if not table_exists(labels):
        return False
    return open_table(labels).card.plan_fingerprint == plan.fingerprint


def _label_anew(plan: LabelPlan, labels: Path, beam_arguments: Sequence[str]) -> None:
    staging = Staging(labels, plan.fingerprint)
    kept = staging.buckets()
    if kept:
        say(f"label: {len(kept)} shards kept from an interrupted run")
    staging.forget_units()
    _run_engine(plan, staging, frozenset(kept), beam_arguments)
    buckets = staging.buckets()
    rows = check_conservation(plan.corpus, staging.units(), buckets)
    if rows == 0:
        raise CorpusError(
            f"corpus is empty: {len(plan.corpus.files)} files with no row. Nothing was committed."
        )
    card = _card(plan, buckets, resumed=len(kept))
    attempt = f"{plan.fingerprint}:{version_number(labels) + 1}"
    commit(labels, shards=put_in_place(buckets, staging), card=card, attempt=attempt)
    staging.remove()
    _say_counts(card.counts)


def _run_engine(
    plan: LabelPlan, staging: Staging, kept: frozenset[int], beam_arguments: Sequence[str]
) -> None:
    import apache_beam as beam

    from stages.label.engine import engine_options, execute
    from stages.label.handler import TeacherHandler
    from stages.label.transforms import LabelCorpus

    run = plan.run
    handler = TeacherHandler(
        plan.teacher, features=run.corpus.features, batch_tokens=run.label.batch_tokens
    )
    stage = LabelCorpus(
        corpus=run.corpus,
        head=run.head,
        num_shards=run.label.num_shards,
        precision=run.label.precision,
        finished=kept,
        staging=staging,
        handler=handler,
    )
    execute(
        engine_options(beam_arguments),
        lambda pipeline: pipeline | beam.Create(plan.corpus.units) | stage,
        finished=lambda: len(list(staging.path.glob("bucket-*.json"))),
        total=run.label.num_shards,
    )


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


def _card(plan: LabelPlan, buckets: Mapping[int, BucketRecord], *, resumed: int) -> TableCard:
    records = list(buckets.values())
    files = [file for record in records for file in record.files]
    counts = Counts(
        rows=sum(record.rows for record in records),
        distinct_inputs=sum(record.calls for record in records),
        teacher_calls=sum(record.calls for record in records),
        teacher_seconds=round(sum(record.seconds for record in records), 3),
        truncated=sum(record.truncated for record in records),
        resumed_shards=resumed,
        split_rows={
            split: sum(file.rows for file in files if file.split == split) for split in SPLITS
        },
    )
    return TableCard(
        format_version=FORMAT_VERSION,
        plan_fingerprint=plan.fingerprint,
        teacher_fingerprint=plan.teacher.fingerprint,
        corpus_digest=plan.corpus.digest,
        code_version=code_version(),
        features=plan.run.corpus.features,
        head=plan.run.head,
        num_shards=plan.run.label.num_shards,
        precision=plan.run.label.precision,
        counts=counts,
        run_file=plan.run.model_dump(mode="json"),
    )


def code_version() -> str:
    """Return the installed release of softshards."""
    try:
        return version("softshards")
    except PackageNotFoundError:
        return "not installed"


def _say_counts(counts: Counts) -> None:
    splits = ", ".join(f"{rows} {split}" for split, rows in counts.split_rows.items())
    say(
        f"label: {counts.rows} rows ({splits}), {counts.distinct_inputs} distinct inputs, "
        f"{counts.teacher_calls} teacher calls in {counts.teacher_seconds:.1f} s, "
        f"{counts.truncated} truncated; committed"
    )
