"""The label stage as Beam transforms: wiring only; each verb is a function tested without Beam.

The element between transforms is an Arrow table, never a Python row. Plain dataclasses: Beam
breaks on frozen ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.ml.inference.base import KeyedModelHandler, PredictionResult, RunInference
from apache_beam.pvalue import AsSingleton, PCollection, TaggedOutput

from schemas.corpus_section import Corpus
from schemas.crossing import Crossing
from schemas.heads import Head
from schemas.label_section import Label
from schemas.layout import Layout
from stages.asking.ask import SoftLabels
from stages.asking.overlap import Behind, ahead
from stages.asking.quality import noise_candidates
from stages.corpus.answer_column import AnswerColumn
from stages.corpus.crossing import crossing_inputs
from stages.corpus.files import read_unit
from stages.corpus.formats.units import Unit
from stages.corpus.unlabelled import (
    LEFT_OUT_COLUMN,
    crossing_left_out,
    mark_left_out,
    set_aside,
)
from stages.label.beam.handler import TeacherHandler
from stages.rows.identity import buckets
from stages.rows.intake import Intake, Refused, row_text
from stages.rows.pointers import unseen_positions
from stages.rows.row_logits import RowLogits
from stages.table.previous import PreviousLabels
from stages.table.writing.shards import order_rows, with_logits, write_shards
from stages.table.writing.staging import BucketRecord, Staging, UnitRecord, bucket_name, unit_name
from stages.views.views import add_views, distinct_digests, held_out_digests, views_left_out

HELD_OUT = "held_out"


@dataclass
class SplitIntoBuckets(beam.DoFn):
    """Read a unit, check its rows and slice them by bucket.

    Input: `Unit`. Output: (bucket, Arrow IPC bytes); where views are made, also `HELD_OUT`: the
    digests of validation and test. Memory: two batches of rows. A retry writes the unit's record
    again.
    """

    corpus: Corpus
    head: Head
    how: Label
    skipped: frozenset[int]
    staging: Staging
    answers: AnswerColumn | None = None

    def process(self, unit: Unit) -> Iterator[tuple[int, bytes] | TaggedOutput[str, bytes]]:
        """Yield the slices, and write the record of what was read."""
        counts = np.zeros(self.how.num_shards, np.int64)
        intake = Intake(unit.source, tolerant=self.how.tolerant)
        read = read_unit(unit, self.corpus, self.head, intake, answers=self.answers)
        for rows in ahead(read):
            bucket = buckets(rows["input_digest"].combine_chunks(), num_shards=self.how.num_shards)
            counts += np.bincount(bucket, minlength=self.how.num_shards)
            if self.how.views is not None:
                yield TaggedOutput(HELD_OUT, held_out_digests(rows))
            for number, part in slices(rows, bucket):
                if number not in self.skipped:
                    yield number, to_ipc(part)
        self.staging.write_quarantine(unit_name(unit.name), intake.refused)
        self.staging.write_unit(
            UnitRecord(
                name=unit.name,
                rows=intake.seen,
                rows_by_bucket={
                    int(number): int(counts[number]) for number in np.flatnonzero(counts)
                },
                quarantined=len(intake.refused),
            )
        )


@dataclass
class WriteShards(beam.DoFn):
    """Round and write one bucket.

    Input: (bucket, PredictionResult). Output: nothing. The files are written in a thread while
    the teacher works on; the bundle ends when they are whole. A retry writes them again.
    """

    corpus: Corpus
    layout: Layout
    how: Label
    staging: Staging

    def setup(self) -> None:
        """Start the thread."""
        self._behind = Behind()

    def process(self, element: tuple[int, PredictionResult]) -> None:
        """Have the bucket written."""
        self._behind.submit(lambda: self._write(*element))

    def finish_bundle(self) -> None:
        """Wait for the files."""
        self._behind.finish()

    def teardown(self) -> None:
        """End the thread."""
        self._behind.close()

    def _write(self, bucket: int, result: PredictionResult) -> None:
        """Write the files, then the record that says they are whole."""
        seen, answer = cast(pa.Table, result.example), cast(SoftLabels, result.inference)
        refused = refused_rows(seen, answer.failures, self.corpus.features)
        self.staging.write_quarantine(bucket_name(bucket), refused)
        rows, answers = answered(seen, answer)
        limits = tuple(part.min_confidence for part in self.corpus.unlabelled)
        rows = set_aside(rows, answers, limits)
        candidates = noise_candidates(rows, answers, self.layout)
        rows = with_logits(rows, answers, self.layout)
        files = write_shards(
            rows, self.staging, bucket=bucket, num_shards=self.how.num_shards, layout=self.layout
        )
        self.staging.write_bucket(
            BucketRecord(
                bucket=bucket,
                rows=sum(file.rows - file.views for file in files),
                calls=answer.calls,
                asked_again=answer.asked - answer.calls,
                reused=answer.reused,
                truncated=answer.truncated,
                seconds=answer.seconds,
                files=files,
                quarantined=sum(row.stage == "teacher" for row in refused),
                noise_candidates=candidates,
                unseen_positions=unseen_positions(answers, rows, self.layout),
                left_out=pc.sum(seen[LEFT_OUT_COLUMN]).as_py() or 0,
                crossing=crossing_inputs(seen),
                crossing_left_out=crossing_left_out(seen),
                views_left_out=views_left_out(seen, self.how.views),
            )
        )


@dataclass
class LabelCorpus(beam.PTransform[PCollection[Unit], PCollection[None]]):
    """Units in, finished buckets out; everything between is content-addressed.

    Memory: the runner's shuffle holds the rows of the buckets that are not finished yet.
    """

    corpus: Corpus
    layout: Layout
    how: Label
    skipped: frozenset[int]
    staging: Staging
    handler: TeacherHandler
    previous: PreviousLabels | None = None
    answers: AnswerColumn | None = None

    def expand(self, units: PCollection[Unit]) -> PCollection[None]:
        """Wire the stage."""
        head = self.layout.head
        split = SplitIntoBuckets(
            self.corpus, head, self.how, self.skipped, self.staging, self.answers
        )
        write = WriteShards(self.corpus, self.layout, self.how, self.staging)
        merged = beam.Map(merge, self.previous, num_shards=self.how.num_shards)
        spread = units | "SpreadUnits" >> beam.Reshuffle()  # Unit
        sliced = spread | "SplitIntoBuckets" >> beam.ParDo(split).with_outputs(HELD_OUT, main="out")
        written: PCollection[None] = (
            sliced.out  # (bucket, IPC bytes)
            | "GroupByBucket" >> beam.GroupByKey()  # (bucket, [IPC bytes])
            | "OrderRows"
            >> beam.Map(assemble, head=head, crossing=self.corpus.crossing)  # (bucket, pa.Table)
            | "AddViews" >> self._views(sliced[HELD_OUT])  # (bucket, pa.Table)
            | "MergeWithPrevious" >> merged  # (bucket, pa.Table)
            | "Teacher" >> RunInference(KeyedModelHandler(self.handler))  # (bucket, result)
            | "WriteShards" >> beam.ParDo(write)  # nothing: the staging folder says what is done
        )
        return written

    def _views(self, held_out: PCollection[bytes]) -> beam.ParDo:
        """Return what adds the views; those of every bucket need the digests of all held out."""
        made: dict[str, object] = {"feature": self.corpus.features[0], "head": self.layout.head}
        if self.how.views is not None:
            digests = held_out | "HeldOut" >> beam.CombineGlobally(distinct_digests)  # bytes
            made["held_out"] = AsSingleton(digests)
        adds: beam.ParDo = beam.Map(with_views, self.how, **made)
        return adds


def slices(rows: pa.Table, bucket: np.ndarray) -> Iterator[tuple[int, pa.Table]]:
    """Yield (bucket number, its rows); the table is sorted by bucket once and then sliced.

    Of a batch whose rows were all refused nothing.
    """
    order = np.argsort(bucket, kind="stable")
    numbers, starts = np.unique(bucket[order], return_index=True)
    ordered = rows.take(pa.array(order))
    ends = [*starts, len(order)][1:]
    for number, start, end in zip(numbers, starts, ends, strict=True):
        yield int(number), ordered.slice(int(start), int(end - start))


def assemble(
    group: tuple[int, Iterable[bytes]], head: Head, *, crossing: Crossing
) -> tuple[int, pa.Table]:
    """Return a bucket's rows in their one order, however they came."""
    bucket, parts = group
    rows = order_rows(pa.concat_tables([from_ipc(part) for part in parts]), head)
    return bucket, mark_left_out(rows, crossing=crossing)


def with_views(
    element: tuple[int, pa.Table],
    label: Label,
    *,
    feature: str,
    head: Head,
    held_out: bytes = b"",
) -> tuple[int, pa.Table]:
    """Return a bucket's rows and their augmented views, but those that are held-out inputs."""
    bucket, rows = element
    return bucket, add_views(
        rows,
        label.views,
        feature=feature,
        head=head,
        bucket=bucket,
        num_shards=label.num_shards,
        held_out=held_out,
    )


def merge(
    element: tuple[int, pa.Table], previous: PreviousLabels | None, *, num_shards: int
) -> tuple[int, pa.Table]:
    """Return a bucket's rows with the answers that the version before has for them."""
    bucket, rows = element
    if previous is None:
        return element
    return bucket, previous.attach(rows, bucket=bucket, num_shards=num_shards)


def refused_rows(
    rows: pa.Table, failures: Mapping[int, str], features: tuple[str, ...]
) -> list[Refused]:
    """Return the rows that the teacher could not answer, as the quarantine holds them."""
    found = []
    for row, said in failures.items():
        origin = rows.slice(row, 1).to_pylist()[0]
        if origin[LEFT_OUT_COLUMN]:
            continue
        file, number = origin["source_file"], origin["source_row"]
        error = f"teacher cannot answer: {file} row {number}: it {said}"
        content = row_text(rows.select(list(features)), row)
        column = features[0] if len(features) == 1 else None
        stage = "view" if origin["view"] else "teacher"
        found.append(Refused(file, number, stage, column, error, content))
    return found


def answered(rows: pa.Table, answer: SoftLabels) -> tuple[pa.Table, RowLogits]:
    """Return the rows that have an answer and are not left out, and their logits."""
    kept = ~rows[LEFT_OUT_COLUMN].to_numpy()
    kept[list(answer.failures)] = False
    if kept.all():
        return rows, answer.answers
    return rows.filter(pa.array(kept)), answer.answers.take(np.flatnonzero(kept))


_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_ONE_THREAD = pa.ipc.IpcReadOptions(use_threads=False)


def to_ipc(rows: pa.Table) -> bytes:
    """Return a table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_COMPRESSED) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


def from_ipc(data: bytes) -> pa.Table:
    """Return the table of an Arrow IPC stream."""
    with pa.ipc.open_stream(data, options=_ONE_THREAD) as reader:
        return reader.read_all()
