"""The staging folder of one label plan: what workers have finished, whole or absent.

`_staging/<plan>/` holds the shard files, one record per finished bucket and one per corpus
unit read, and notes of what the teacher was asked. Records are written last and by name, so a
bundle that runs twice writes the same record again, and an interrupted run is continued from the
records that are there.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import DamagedTableError
from schemas.provenance import digest_bytes
from schemas.quality import NoiseCandidate
from schemas.quarantine import QUARANTINE_SCHEMA
from schemas.report import Speed
from schemas.soft_labels import ChosenEncoding
from stages.machine.atomic import write_whole
from stages.rows.intake import Refused, quarantine_table
from stages.table.files import SHARD_NAME
from stages.table.shard import Shard, check_bytes, check_size
from stages.table.writing.asked import Asked

STAGING_FOLDER = "_staging"
_ENCODING = "encoding"
_CALLS_APART = "calls-apart"
_ASKED = "asked"
_ABANDONED_SECONDS = 7 * 24 * 3600
Record = TypeVar("Record", bound=BaseModel)


class ShardFile(BaseModel):
    """One Parquet file: path relative to the table, and what the log will say of it.

    `views` of its rows are augmented ones; `lacking`, of a table of several heads: how many rows
    lack each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(pattern=f"^{SHARD_NAME.pattern}$")  # so that none is outside the table
    split: str
    rows: int
    size_bytes: int
    views: int = 0
    lacking: tuple[int, ...] = ()


class CallsApart(BaseModel):
    """What a teacher was asked beside the buckets' inputs, over all attempts.

    Attributes:
      calls: by what they were for, a name of `OTHER_CALLS`.
      seconds: they took.
      latency_seconds: for one input, where it was timed; `timed_calls` are those it is of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls: dict[str, int] = {}
    seconds: float = 0.0
    latency_seconds: float | None = None
    timed_calls: int = 0


class BucketRecord(BaseModel):
    """A bucket whose files are all staged.

    Attributes:
      rows: corpus rows in its files.
      quarantined: corpus rows that the teacher could not answer.
      left_out: unlabelled rows whose text the labelled corpus has, and those `crossing_left_out`
        of inputs that another split has too which is held out more.
      crossing: inputs by the splits that they are in, of those that are in several; None in the
        record of a release that did not count them.
      views_left_out: views that are an input of validation or test.
      unseen_positions: positions in its files that the teacher did not see.
      noise_candidates: rows whose hard label the teacher finds very unlikely.
      asked_again: calls beyond `calls`: inputs that failed, or were asked again to find those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: int
    rows: int
    files: tuple[ShardFile, ...]
    calls: int = 0
    reused: int = 0
    truncated: int = 0
    seconds: float = 0.0
    quarantined: int = 0
    left_out: int = 0
    crossing: dict[str, int] | None = None
    crossing_left_out: int = 0
    views_left_out: int = 0
    unseen_positions: int = 0
    noise_candidates: tuple[NoiseCandidate, ...] = ()
    asked_again: int = 0


class UnitRecord(BaseModel):
    """A corpus unit that was read to its end: all its rows, those usable by bucket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rows: int
    rows_by_bucket: dict[int, int]
    quarantined: int = 0


class Staging:
    """The staging folder of one plan under a table's folder."""

    def __init__(self, table_path: Path, plan_fingerprint: str) -> None:
        self.table_path = table_path
        self.path = table_path / STAGING_FOLDER / plan_fingerprint
        self.asked = Asked(self.path / _ASKED)

    def shard_path(self, file: str) -> Path:
        """Return where a shard file waits for the commit."""
        return self.path / "files" / file

    def found_path(self, file: ShardFile) -> Path:
        """Return where a shard file is: waiting, or in its place already."""
        waiting = self.shard_path(file.path)
        return waiting if waiting.is_file() else self.table_path / file.path

    def quarantine_path(self, name: str) -> Path:
        """Return where a unit's or bucket's refused rows wait."""
        return self.path / "quarantine" / f"{name}.parquet"

    def write_quarantine(self, name: str, refused: Sequence[Refused]) -> None:
        """Write refused rows, or nothing where there is none; what an attempt left goes."""
        path = self.quarantine_path(name)
        if not refused:
            path.unlink(missing_ok=True)
            return
        sink = pa.BufferOutputStream()
        pq.write_table(quarantine_table(refused), sink, compression="zstd")
        write_whole(path, bytes(sink.getvalue()))

    def quarantined(self, names: Iterable[str]) -> pa.Table:
        """Return the refused rows of some units and buckets, in order of file and row."""
        paths = [self.quarantine_path(name) for name in names]
        parts = [pq.read_table(path) for path in sorted(paths) if path.is_file()]
        rows = pa.concat_tables([QUARANTINE_SCHEMA.empty_table(), *parts])
        return rows.sort_by([("source_file", "ascending"), ("source_row", "ascending")])

    def write_bucket(self, record: BucketRecord) -> None:
        """Say that a bucket is finished."""
        self._write(bucket_name(record.bucket), record)

    def write_unit(self, record: UnitRecord) -> None:
        """Say that a unit was read to its end."""
        self._write(unit_name(record.name), record)

    def write_encoding(self, chosen: ChosenEncoding) -> None:
        """Keep how this plan's logits are kept, for an attempt that goes on."""
        self._write(_ENCODING, chosen)

    def encoding(self) -> ChosenEncoding | None:
        """Return how an earlier attempt kept its logits, if there was one."""
        path = self.path / f"{_ENCODING}.json"
        return _read(path, ChosenEncoding) if path.exists() else None

    def count_calls(self, purpose: str, calls: int, seconds: float) -> None:
        """Add to what the teacher was asked beside the buckets' inputs."""
        found = self.calls_apart()
        summed = {**found.calls, purpose: found.calls.get(purpose, 0) + calls}
        update = {"calls": summed, "seconds": found.seconds + seconds}
        self._write(_CALLS_APART, found.model_copy(update=update))

    def keep_latency(self, seconds: float | None, timed_calls: int) -> None:
        """Keep how long one input took, for the teacher's measures."""
        update = {"latency_seconds": seconds, "timed_calls": timed_calls}
        self._write(_CALLS_APART, self.calls_apart().model_copy(update=update))

    def calls_apart(self) -> CallsApart:
        """Return what it was asked so, by all attempts until now."""
        path = self.path / f"{_CALLS_APART}.json"
        return (_read(path, CallsApart) if path.exists() else None) or CallsApart()

    def speed(self) -> Speed | None:
        """Return how fast the teacher was when it was asked for this plan, or None.

        Its throughput is the median over the buckets: the first of a process waits for the graph.
        """
        latency = self.calls_apart()
        records = [_read(path, BucketRecord) for path in self.path.glob("bucket-*.json")]
        rates = [one.calls / one.seconds for one in records if one and one.calls and one.seconds]
        if not rates or latency.latency_seconds is None:
            return None
        return Speed(
            latency_ms_batch_1=latency.latency_seconds * 1000,
            examples_per_second_batch_64=median(rates),
            calls=latency.timed_calls,
            as_labelled=True,
        )

    def buckets(self) -> dict[int, BucketRecord]:
        """Return the finished buckets whose files are all here, with the bytes of their names."""
        found: dict[int, BucketRecord] = {}
        for path in sorted(self.path.glob("bucket-*.json")):
            record = _read(path, BucketRecord)
            if record is not None and all(map(self._is_here, record.files)):
                found[record.bucket] = record
        return found

    def units(self) -> dict[str, UnitRecord]:
        """Return the units read to their end, by name."""
        records = (_read(path, UnitRecord) for path in sorted(self.path.glob("unit-*.json")))
        return {record.name: record for record in records if record is not None}

    def forget_units(self) -> None:
        """Remove the unit records: every attempt counts the corpus anew."""
        for path in self.path.glob("unit-*.json"):
            path.unlink()

    def remove(self) -> None:
        """Remove the folder, and those of other plans that nobody has touched for a week.

        A younger one may be of a run that is at work now.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        limit = time.time() - _ABANDONED_SECONDS
        for folder in list(self.path.parent.glob("*")):
            with contextlib.suppress(OSError):  # another run is at work in it, or removes it
                if max(path.stat().st_mtime for path in (folder, *folder.iterdir())) < limit:
                    shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another run's is there
            self.path.parent.rmdir()

    def _is_here(self, file: ShardFile) -> bool:
        shard = Shard(self.found_path(file), file.split, file.rows, file.size_bytes)
        try:
            check_size(shard)
            check_bytes(shard)
        except DamagedTableError:
            return False
        return True

    def _write(self, name: str, record: BaseModel) -> None:
        write_whole(self.path / f"{name}.json", record.model_dump_json().encode())


def bucket_name(bucket: int) -> str:
    """Return the name of a bucket's record."""
    return f"bucket-{bucket:05d}"


def unit_name(unit: str) -> str:
    """Return the name of a unit's record."""
    return f"unit-{digest_bytes(unit.encode())}"


def _read(path: Path, kind: type[Record]) -> Record | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError:
        return None


def unfinished_files(table_path: Path) -> set[str]:
    """Return the shards that runs which have not committed yet have made, relative to the table."""
    records = (table_path / STAGING_FOLDER).glob("*/bucket-*.json")
    found = (_read(path, BucketRecord) for path in records)
    return {file.path for record in found if record is not None for file in record.files}
