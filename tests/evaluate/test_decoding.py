"""Tags that keep to their scheme: the likeliest of all whole rows, found by trying every one."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RunFileError
from stages.evaluate.decoding import constrained
from stages.evaluate.metrics import probabilities
from stages.lists import offsets_of
from stages.row_logits import RowLogits
from stages.spans import broken_at
from tests import tiny_words

TAGS = {
    "iob1": ("O", "B-A", "I-A", "I-B"),
    "iob2": ("O", "B-A", "I-A", "B-B", "I-B"),
    "ioes": ("O", "B-A", "I-A", "E-A", "S-A"),
}


@pytest.mark.parametrize("scheme", TAGS)
@given(seed=st.integers(0, 10_000), lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3))
@settings(max_examples=25)
def test_it_is_the_likeliest_whole_row(scheme, seed, lengths):
    classes = TAGS[scheme]
    values = np.random.default_rng(seed).normal(0, 2, (sum(lengths), len(classes)))
    answers = RowLogits(values.astype(np.float32), offsets_of(np.array(lengths)))
    found = constrained(answers, classes, scheme)
    log_probs = np.log(probabilities(answers.values))
    for begin, end in zip(answers.offsets[:-1], answers.offsets[1:], strict=True):
        own = log_probs[begin:end]
        whole = [
            path
            for path in product(range(len(classes)), repeat=end - begin)
            if broken_at([classes[tag] for tag in path], scheme) is None
        ]
        best = max(whole, key=lambda path: own[np.arange(len(path)), path].sum())
        assert found[begin:end].tolist() == list(best)


def test_what_was_not_seen_is_outside():
    values = np.array([[0, 9, 0, 0, 0], [np.nan] * 5, [0, 0, 9, 0, 0]], np.float32)
    answers = RowLogits(values, np.array([0, 3]))
    found = constrained(answers, TAGS["iob2"], "iob2")
    assert found.tolist()[:2] == [1, 0]
    assert broken_at([TAGS["iob2"][tag] for tag in found], "iob2") is None


def test_it_needs_a_scheme():
    with pytest.raises(RunFileError, match="needs a head with `tags`"):
        tiny_words.run("evaluate.keep_to_tags=true")
