"""Passes: together every bucket once, and the same table as one pass."""

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from stages.corpus.files import plan_corpus
from stages.label.passes import (
    RESIDENT_PER_BYTE,
    bucket_passes,
    corpus_bytes,
    default_shuffle_bytes,
)
from tests import tiny


@given(st.integers(0, 10**12), st.integers(1, 300), st.integers(1, 10**12))
def test_every_bucket_is_in_one_pass_and_passes_are_as_many_as_needed(size, shards, limit):
    passes = bucket_passes(size, num_shards=shards, max_shuffle_bytes=limit)
    assert [bucket for part in passes for bucket in part] == list(range(shards))
    assert all(len(part) > 0 for part in passes)
    assert len(passes) == shards or size * RESIDENT_PER_BYTE <= limit * len(passes)


def test_the_default_is_some_of_this_machines_memory():
    assert 2**27 < default_shuffle_bytes() < 2**46


def test_parquet_counts_as_it_is_in_memory(experiment):
    rows = pa.table(
        {"text": ["the same long text again and again"] * 5000, "thing": ["tool"] * 5000}
    )
    pq.write_table(rows, experiment / "c.parquet", compression="zstd", use_dictionary=False)
    run = tiny.run('corpus.files=[{path="c.parquet"}]', "corpus.format=parquet")
    found = corpus_bytes(plan_corpus(run, base=experiment))
    assert found > rows.nbytes * 0.8 > (experiment / "c.parquet").stat().st_size


def test_files_of_several_formats_count_each_as_its_own(experiment):
    rows = pa.table({"text": ["the same long text again and again"] * 5000})
    pq.write_table(rows, experiment / "m.parquet", compression="zstd", use_dictionary=False)
    mixed = tiny.run('corpus.unlabelled=[{files=[{path="m.parquet"}], format="parquet"}]')
    found = corpus_bytes(plan_corpus(mixed, base=experiment))
    lines = (experiment / "corpus.jsonl").stat().st_size
    assert found - lines > rows.nbytes * 0.8
    labelled = pa.table({"text": ["a cat"] * 9, "thing": ["animal"] * 9})
    pq.write_table(labelled, experiment / "c.parquet")
    tiny.write_corpus(experiment / "more.jsonl", [{"text": "the new saw"}])
    table = tiny.label(
        experiment,
        experiment / "mixed",
        'corpus.files=[{path="c.parquet"}]',
        "corpus.format=parquet",
        'corpus.unlabelled=[{files=[{path="more.jsonl"}], format="jsonl"}]',
    )
    assert table.card.counts.rows == 10


def test_many_passes_give_the_table_of_one(table, experiment, capsys):
    other = tiny.label(experiment, experiment / "passes", max_shuffle_bytes=10_000)
    assert "label: pass 2 of 3, shards 1 to 1" in capsys.readouterr().err
    assert tiny.rows_of(other) == tiny.rows_of(table)
    assert {shard.path.name for shard in other.shards} == {s.path.name for s in table.shards}


def test_a_shard_that_is_too_large_for_the_limit_is_said(experiment, capsys):
    tiny.label(experiment, experiment / "labels", max_shuffle_bytes=100)
    assert "raise label.num_shards" in capsys.readouterr().err
