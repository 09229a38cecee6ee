"""The staging folder of one label plan: what workers have finished, whole or absent.

`_staging/<plan>/` holds the shard files, one record per finished bucket and one per corpus
unit read. Records are written last and by name, so a bundle that runs twice writes the same
record again, and an interrupted run is continued from the records that are there.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.provenance import digest_bytes
from stages.atomic import write_whole

STAGING_FOLDER = "_staging"
Record = TypeVar("Record", bound=BaseModel)


class ShardFile(BaseModel):
    """One Parquet file: path relative to the table, and what the log will say of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    split: str
    rows: int
    size_bytes: int


class BucketRecord(BaseModel):
    """A bucket whose files are all staged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket: int
    rows: int
    calls: int
    reused: int
    truncated: int
    seconds: float
    files: tuple[ShardFile, ...]


class UnitRecord(BaseModel):
    """A corpus unit that was read to its end: its rows by bucket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rows_by_bucket: dict[int, int]


class Staging:
    """The staging folder of one plan under a table's folder."""

    def __init__(self, table_path: Path, plan_fingerprint: str) -> None:
        self.table_path = table_path
        self.path = table_path / STAGING_FOLDER / plan_fingerprint

    def shard_path(self, file: str) -> Path:
        """Return where a shard file waits for the commit."""
        return self.path / "files" / file

    def write_bucket(self, record: BucketRecord) -> None:
        """Say that a bucket is finished."""
        self._write(f"bucket-{record.bucket:05d}", record)

    def write_unit(self, record: UnitRecord) -> None:
        """Say that a unit was read to its end."""
        self._write(f"unit-{digest_bytes(record.name.encode())}", record)

    def buckets(self) -> dict[int, BucketRecord]:
        """Return the finished buckets whose files are all here, whole."""
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
        """Remove the folder, and every other plan's: a commit has superseded them."""
        shutil.rmtree(self.table_path / STAGING_FOLDER, ignore_errors=True)

    def _is_here(self, file: ShardFile) -> bool:
        places = (self.shard_path(file.path), self.table_path / file.path)
        return any(place.is_file() and place.stat().st_size == file.size_bytes for place in places)

    def _write(self, name: str, record: BaseModel) -> None:
        write_whole(self.path / f"{name}.json", record.model_dump_json().encode())


def _read(path: Path, kind: type[Record]) -> Record | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError:
        return None
