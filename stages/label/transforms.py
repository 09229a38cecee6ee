"""The label stage as Beam transforms: wiring only; each verb is a function tested without Beam.

The element between transforms is an Arrow table, never a Python row. Plain dataclasses: Beam
breaks on frozen ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.ml.inference.base import KeyedModelHandler, PredictionResult, RunInference

from schemas.heads import Head
from schemas.run_file import Corpus
from stages.label.codec import round_logits
from stages.label.corpus import read_unit
from stages.label.handler import TeacherHandler
from stages.label.identity import buckets
from stages.label.previous import PreviousLabels
from stages.label.readers import Unit
from stages.label.shards import order_rows, with_logits, write_shards
from stages.label.staging import BucketRecord, Staging, UnitRecord
from stages.label.teacher import SoftLabels


@dataclass
class SplitIntoBuckets(beam.DoFn):
    """Read a unit, check its rows and slice them by bucket.

    Input: `Unit`. Output: (bucket, Arrow IPC bytes). Memory: one batch of rows. A retry
    writes the unit's record again.
    """

    corpus: Corpus
    head: Head
    num_shards: int
    skipped: frozenset[int]
    staging: Staging

    def process(self, unit: Unit) -> Iterator[tuple[int, bytes]]:
        """Yield the slices, and write the record of what was read."""
        counts = np.zeros(self.num_shards, np.int64)
        for rows in read_unit(unit, self.corpus, self.head):
            bucket = buckets(rows["input_digest"].combine_chunks(), num_shards=self.num_shards)
            counts += np.bincount(bucket, minlength=self.num_shards)
            for number, part in slices(rows, bucket):
                if number not in self.skipped:
                    yield number, to_ipc(part)
        rows_by_bucket = {int(number): int(counts[number]) for number in np.flatnonzero(counts)}
        self.staging.write_unit(UnitRecord(name=unit.name, rows_by_bucket=rows_by_bucket))


@dataclass
class WriteShards(beam.DoFn):
    """Round and write one bucket.

    Input: (bucket, PredictionResult). Output: bucket. A retry writes the same files again.
    """

    corpus: Corpus
    head: Head
    num_shards: int
    precision: str
    staging: Staging

    def process(self, element: tuple[int, PredictionResult]) -> Iterator[int]:
        """Write the files, then the record that says they are whole."""
        bucket, result = element
        answer: SoftLabels = result.inference
        logits = round_logits(answer.logits, precision=self.precision)
        rows = with_logits(result.example, logits, features=self.corpus.features, head=self.head)
        files = write_shards(
            rows, self.staging, bucket=bucket, num_shards=self.num_shards, head=self.head
        )
        self.staging.write_bucket(
            BucketRecord(
                bucket=bucket,
                rows=rows.num_rows,
                calls=answer.calls,
                reused=answer.reused,
                truncated=answer.truncated,
                seconds=answer.seconds,
                files=files,
            )
        )
        yield bucket


@dataclass
class LabelCorpus(beam.PTransform):
    """Units in, finished buckets out; everything between is content-addressed.

    Memory: the runner's shuffle holds the rows of the buckets that are not finished yet.
    """

    corpus: Corpus
    head: Head
    num_shards: int
    precision: str
    skipped: frozenset[int]
    staging: Staging
    handler: TeacherHandler
    previous: PreviousLabels | None = None

    def expand(self, units: beam.PCollection) -> beam.PCollection:
        """Wire the stage."""
        split = SplitIntoBuckets(
            self.corpus, self.head, self.num_shards, self.skipped, self.staging
        )
        write = WriteShards(self.corpus, self.head, self.num_shards, self.precision, self.staging)
        return (
            units
            | "SpreadUnits" >> beam.Reshuffle()  # Unit
            | "SplitIntoBuckets" >> beam.ParDo(split)  # (bucket, IPC bytes)
            | "GroupByBucket" >> beam.GroupByKey()  # (bucket, [IPC bytes])
            | "OrderRows" >> beam.Map(assemble, head=self.head)  # (bucket, pa.Table)
            | "MergeWithPrevious" >> beam.Map(merge, self.previous, num_shards=self.num_shards)
            | "Teacher" >> RunInference(KeyedModelHandler(self.handler))  # (bucket, result)
            | "WriteShards" >> beam.ParDo(write)  # bucket
        )


def slices(rows: pa.Table, bucket: np.ndarray) -> Iterator[tuple[int, pa.Table]]:
    """Yield (bucket number, its rows); the table is sorted by bucket once and then sliced."""
    order = np.argsort(bucket, kind="stable")
    numbers, starts = np.unique(bucket[order], return_index=True)
    ordered = rows.take(pa.array(order))
    ends = [*starts[1:], len(order)]
    for number, start, end in zip(numbers, starts, ends, strict=True):
        yield int(number), ordered.slice(int(start), int(end - start))


def assemble(group: tuple[int, Iterable[bytes]], head: Head) -> tuple[int, pa.Table]:
    """Return a bucket's rows in their one order, however they came."""
    bucket, parts = group
    return bucket, order_rows(pa.concat_tables([from_ipc(part) for part in parts]), head)


def merge(
    element: tuple[int, pa.Table], previous: PreviousLabels | None, *, num_shards: int
) -> tuple[int, pa.Table]:
    """Return a bucket's rows with the answers that the version before has for them."""
    bucket, rows = element
    if previous is None:
        return element
    return bucket, previous.attach(rows, bucket=bucket, num_shards=num_shards)


def to_ipc(rows: pa.Table) -> bytes:
    """Return a table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


def from_ipc(data: bytes) -> pa.Table:
    """Return the table of an Arrow IPC stream."""
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()
