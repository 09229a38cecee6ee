"""Staging: what is not whole does not count."""

import pytest

from schemas.provenance import digest_bytes
from stages.rows.intake import Refused
from stages.table.writing.staging import (
    BucketRecord,
    ShardFile,
    Staging,
    UnitRecord,
    unfinished_files,
)


@pytest.fixture
def staging(tmp_path):
    return Staging(tmp_path, "plan")


def stage(staging, bucket, data=b"data"):
    name = f"shard-{bucket:05d}-of-00004-{digest_bytes(b'data')[:16]}.parquet"
    file = ShardFile(path=f"split=train/{name}", split="train", rows=1, size_bytes=4)
    path = staging.shard_path(file.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    staging.write_bucket(
        BucketRecord(
            bucket=bucket, rows=1, calls=1, reused=0, truncated=0, seconds=0.0, files=(file,)
        )
    )
    return file


def test_a_bucket_counts_when_its_files_are_whole(staging):
    stage(staging, 1)
    stage(staging, 2, data=b"cut")
    stage(staging, 3, data=b"dat`")  # one bit of it
    assert set(staging.buckets()) == {1}


def test_a_file_that_is_already_in_its_place_counts(staging):
    file = stage(staging, 1)
    place = staging.table_path / file.path
    place.parent.mkdir(parents=True)
    staging.shard_path(file.path).rename(place)
    assert set(staging.buckets()) == {1}
    place.unlink()
    assert staging.buckets() == {}


def test_a_torn_record_does_not_count(staging):
    stage(staging, 1)
    (staging.path / "bucket-00001.json").write_text('{"bucket": 1, "ro')
    assert staging.buckets() == {}


def test_what_an_attempt_refused_goes_with_one_that_refuses_nothing(staging):
    refused = Refused("a.jsonl", 1, "teacher", "text", "teacher cannot answer: x", "x")
    staging.write_quarantine("bucket-00001", [refused])
    assert staging.quarantined(["bucket-00001"]).num_rows == 1
    staging.write_quarantine("bucket-00001", [])
    assert staging.quarantined(["bucket-00001"]).num_rows == 0


def test_what_is_no_folder_of_a_run_does_not_stop_the_end_of_one(staging):
    stage(staging, 1)
    stray = staging.path.parent / "notes.txt"
    stray.write_text("x")
    staging.remove()
    assert stray.exists() and not staging.path.exists()


def test_units_are_forgotten_and_the_folder_removed(staging):
    staging.write_unit(UnitRecord(name="file#0", rows=3, rows_by_bucket={0: 3}))
    assert staging.units()["file#0"].rows_by_bucket == {0: 3}
    staging.forget_units()
    assert staging.units() == {}
    staging.remove()
    assert not staging.path.exists()


@pytest.mark.parametrize("path", ["../x.parquet", "/etc/hostname", "x" * 300, "split=train/x"])
def test_a_record_that_names_a_file_outside_the_table_counts_for_nothing(path, tmp_path):
    staging = Staging(tmp_path, "plan")
    name = f"split=train/shard-00000-of-00001-{digest_bytes(b'x')[:16]}.parquet"
    file = ShardFile(path=name, split="train", rows=1, size_bytes=1)
    staging.shard_path(file.path).parent.mkdir(parents=True)
    staging.shard_path(file.path).write_bytes(b"x")
    staging.write_bucket(BucketRecord(bucket=0, rows=1, files=(file,)))
    assert set(staging.buckets()) == {0}
    record = staging.path / "bucket-00000.json"
    record.write_text(record.read_text().replace(file.path, path))
    assert staging.buckets() == {} and unfinished_files(tmp_path) == set()
