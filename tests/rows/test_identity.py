"""Identity: digests are pinned, typed, and alone decide split and shard."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from schemas.corpus_section import Split
from stages.inputs.find import input_digests
from stages.rows.identity import buckets, occurrences, splits_by_digest

TEXTS = st.lists(st.text(max_size=20), min_size=1, max_size=30)


def test_digests_are_those_of_the_first_release():
    digests = input_digests([pa.array(["a", "", "é"])])
    assert [digest.as_py().hex() for digest in digests] == [
        "2bcd7b1dd9a7a84a6ea0ab53395407c9",
        "d54275fc8976772571426a0b012caeda",
        "721ddb092bf2f4c60247678bcddb1c40",
    ]


def test_columns_are_length_prefixed():
    one = input_digests([pa.array(["ab"]), pa.array(["c"])])
    other = input_digests([pa.array(["a"]), pa.array(["bc"])])
    assert one != other


def test_digests_do_not_depend_on_the_salt_of_hash():
    code = (
        "import pyarrow as pa; from stages.inputs.find import input_digests as d;"
        "print(d([pa.array(['question'])])[0].as_py().hex())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


@given(TEXTS, st.integers(1, 100))
def test_a_bucket_is_in_range_and_depends_on_the_digest_only(texts, num_shards):
    digests = input_digests([pa.array(texts, pa.string())])
    found = buckets(digests, num_shards=num_shards)
    assert ((found >= 0) & (found < num_shards)).all()
    backwards = buckets(digests.take(pa.array(range(len(texts))[::-1])), num_shards=num_shards)
    np.testing.assert_array_equal(found[::-1], backwards)


def test_buckets_order_digests():
    digests = input_digests([pa.array([str(number) for number in range(500)])])
    ordered = digests.take(pa.compute.sort_indices(digests))
    assert (np.diff(buckets(ordered, num_shards=7)) >= 0).all()


def test_splits_have_about_the_stated_shares_and_are_the_same_for_equal_text():
    texts = [str(number % 5000) for number in range(10_000)]
    digests = input_digests([pa.array(texts)])
    splits = splits_by_digest(digests, Split(validation=0.2, test=0.1)).to_pylist()
    assert splits[:5000] == splits[5000:]
    assert abs(splits.count("test") / 10_000 - 0.1) < 0.02
    assert abs(splits.count("validation") / 10_000 - 0.2) < 0.02


def test_split_and_bucket_are_independent():
    digests = input_digests([pa.array([str(number) for number in range(4000)])])
    splits = np.array(splits_by_digest(digests, Split(validation=0.2, test=0.2)).to_pylist())
    shards = buckets(digests, num_shards=4)
    for shard in range(4):
        assert abs((splits[shards == shard] == "test").mean() - 0.2) < 0.05


def test_occurrences_of_nothing():
    assert occurrences(pa.array([], pa.binary())).tolist() == []
