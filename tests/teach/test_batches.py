"""Training batches for the teacher."""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from stages.inputs.wordpiece import Wordpiece
from stages.teach.batches import batches, epoch_order

WORDPIECE = Wordpiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cat"], lowercase=True, max_length=8)


@given(st.lists(st.integers(2, 40), min_size=1, max_size=200), st.integers(1, 9))
def test_every_row_comes_once_an_epoch(lengths, batch_size):
    order = epoch_order(np.array(lengths), batch_size=batch_size, seed=1, epoch=0)
    assert sorted(np.concatenate(order).tolist()) == list(range(len(lengths)))
    assert max(len(batch) for batch in order) <= batch_size


def test_epochs_and_seeds_differ_and_repeat():
    lengths = np.arange(100) % 20 + 2

    def order(seed, epoch):
        made = epoch_order(lengths, batch_size=8, seed=seed, epoch=epoch)
        return [batch.tolist() for batch in made]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_batches_are_padded_to_their_own_longest_and_masked():
    token_ids = tf.ragged.constant([[2, 5, 3], [2, 5, 6, 7, 3]] * 4, dtype=tf.int32)
    data = batches(token_ids, np.arange(8), batch_size=4, seed=1, wordpiece=WORDPIECE)
    for inputs, labels in data.take(2):
        assert inputs["token_ids"].shape == (4, inputs["token_ids"].shape[1])
        lengths = token_ids.row_lengths().numpy()[labels.numpy()]
        assert inputs["token_ids"].shape[1] == lengths.max()
        assert inputs["padding_mask"].numpy().sum(axis=1).tolist() == lengths.tolist()
