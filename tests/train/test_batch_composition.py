"""What a student says of a row is the same in whatever batch the row is asked."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.train_section import Student
from stages.inputs.wordpiece import Wordpiece
from stages.train.stream.words import at_first_pieces, word_inputs
from stages.train.students import build_student
from tests import tiny

CLASSES, MAX_LENGTH = 4, 12
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
KINDS = {
    "bag": {"embedding_width": 8},
    "cnn": {"embedding_width": 8},
    "lstm": {"embedding_width": 8, "units": 8},
    "bert": {"layers": 2, "hidden_width": 8, "inner_width": 8, "max_length": MAX_LENGTH},
    "mobilebert": {
        "layers": 1,
        "hidden_width": 16,
        "bottleneck_width": 8,
        "embedding_width": 8,
        "inner_width": 8,
        "heads": 2,
        "feed_forwards": 1,
        "max_length": MAX_LENGTH,
    },
}
BY_WORD = ("lstm", "bert", "mobilebert")
WORDPIECE = Wordpiece(tiny.VOCABULARY, lowercase=True, max_length=MAX_LENGTH)
word = st.one_of(
    st.sampled_from(["cat", "fig", "the", "saw", "old"]), st.text(min_size=1, max_size=4)
)
rows_of_words = st.lists(st.lists(word, min_size=1, max_size=9), min_size=2, max_size=5)
_BUILT = {}


def built(kind, per):
    """Return a student of random weights, made once."""
    if (kind, per) not in _BUILT:
        stated = Student(name="s", kind=kind, options={**KINDS[kind], "dropout": 0.0})
        size = WORDPIECE.vocabulary_size
        made = build_student(stated, vocabulary_size=size, classes=CLASSES, per=per)
        _BUILT[kind, per] = tf.function(
            lambda ids: made(ids, training=False),
            input_signature=[tf.TensorSpec([None, None], tf.int32)],
        )
    return _BUILT[kind, per]


def batched(rows, data):
    """Return numbers of rows in batches: two of an order that is drawn, and each alone."""
    order = data.draw(st.permutations(range(len(rows))))
    cut = data.draw(st.integers(1, len(rows) - 1))
    return order[:cut], order[cut:], *([number] for number in order)


@pytest.mark.parametrize("kind", KINDS)
@given(rows=rows_of_words, more=st.integers(0, 3), data=st.data())
@settings(deadline=None, max_examples=20)
def test_of_texts(kind, rows, more, data):
    say, texts = built(kind, "example"), [" ".join(row) for row in rows]
    whole = say(WORDPIECE.token_ids(tf.constant(texts))).numpy()
    for batch in batched(rows, data):
        ids = WORDPIECE.token_ids(tf.constant([texts[number] for number in batch]))
        ids = ids[:, :MAX_LENGTH]
        padded = tf.pad(ids, [[0, 0], [0, min(more, MAX_LENGTH - ids.shape[1])]])
        np.testing.assert_allclose(say(padded).numpy(), whole[list(batch)], **TOLERANCE)


@pytest.mark.parametrize("kind", BY_WORD)
@given(rows=rows_of_words, data=st.data())
@settings(deadline=None, max_examples=20)
def test_of_words(kind, rows, data):
    say = built(kind, "token")

    def answers(lists):
        inputs = word_inputs(WORDPIECE, tf.ragged.constant(lists, ragged_rank=1, dtype=tf.string))
        logits = at_first_pieces(say(inputs["token_ids"]), inputs["first_pieces"]).numpy()
        return [
            one[: len(row)][places[: len(row)] >= 0]
            for one, places, row in zip(logits, inputs["first_pieces"].numpy(), lists, strict=True)
        ]

    whole = answers(rows)
    for batch in batched(rows, data):
        for number, found in zip(batch, answers([rows[number] for number in batch]), strict=True):
            np.testing.assert_allclose(found, whole[number], **TOLERANCE)
