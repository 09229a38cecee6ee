"""Batches for the teacher."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.asking.batching import token_bounded_batches

LENGTHS = st.lists(st.integers(1, 50), max_size=60)


@given(LENGTHS, st.integers(1, 200))
def test_every_row_is_in_one_batch_and_no_batch_is_over_its_bound(lengths, batch_tokens):
    lengths = np.array(lengths, np.int32)
    batches = token_bounded_batches(lengths, batch_tokens=batch_tokens)
    assert sorted(np.concatenate([*batches, []]).tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= batch_tokens


@given(LENGTHS)
def test_lengths_rise_from_batch_to_batch(lengths):
    lengths = np.array(lengths, np.int32)
    batches = token_bounded_batches(lengths, batch_tokens=64)
    for one, after in zip(batches, batches[1:], strict=False):
        assert lengths[one].max() <= lengths[after].min()
