"""Spans as the CoNLL script counts them: equal to `seqeval`'s, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import sequence_labeling as seqeval

from stages.heads.metrics.spans import TagSet, broken_at, span_scores

TAGS = ("O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B", "E-B", "S-B")
rows_of_tags = st.lists(
    st.lists(st.integers(0, len(TAGS) - 1), min_size=1, max_size=8), min_size=1, max_size=5
)


def flat(rows):
    tags = np.array([tag for row in rows for tag in row], np.int64)
    return tags, np.repeat(np.arange(len(rows)), [len(row) for row in rows])


@given(rows_of_tags)
def test_spans_are_those_of_seqeval(rows):
    tags, owners = flat(rows)
    found = TagSet(TAGS).spans(tags, owners).tolist()
    expected, start = [], 0
    for row in rows:
        for kind, first, last in seqeval.get_entities([TAGS[tag] for tag in row]):
            expected.append([first + start, last + start, "AB".index(kind)])
        start += len(row)
    assert found == expected


@given(rows_of_tags, st.randoms(use_true_random=False))
def test_scores_are_those_of_seqeval(rows, random):
    said = [[tag if random.random() < 0.7 else random.randrange(9) for tag in row] for row in rows]
    (labels, owners), (predicted, _) = flat(rows), flat(said)
    found = span_scores(TAGS, labels, predicted, owners)
    names = [[[TAGS[tag] for tag in row] for row in side] for side in (rows, said)]
    assert found.precision == pytest.approx(seqeval.precision_score(*names), abs=1e-12)
    assert found.recall == pytest.approx(seqeval.recall_score(*names), abs=1e-12)
    assert found.f1 == pytest.approx(seqeval.f1_score(*names), abs=1e-12)


@given(rows_of_tags, st.randoms(use_true_random=False))
def test_scores_of_each_type_are_those_of_sets(rows, random):
    labels, owners = flat(rows)
    predicted = np.array([tag if random.random() < 0.7 else random.randrange(9) for tag in labels])
    found = span_scores(TAGS, labels, predicted, owners)
    true, said = (
        {tuple(one) for one in TagSet(TAGS).spans(tags, owners).tolist()}
        for tags in (labels, predicted)
    )
    assert (found.support, found.predicted) == (len(true), len(said))
    assert found.precision == pytest.approx(len(true & said) / len(said) if said else 0)
    assert found.recall == pytest.approx(len(true & said) / len(true) if true else 0)
    for number, one in enumerate(found.types):
        own = [{span for span in spans if span[2] == number} for spans in (true, said)]
        total = len(own[0]) + len(own[1])
        assert one.f1 == pytest.approx(2 * len(own[0] & own[1]) / total if total else 0)


def test_a_case_by_hand():
    classes = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    labels = np.array([1, 2, 0, 3, 0, 1])
    said = np.array([1, 2, 0, 3, 4, 0])
    found = span_scores(classes, labels, said, np.zeros(6, int))
    assert (found.support, found.predicted, found.precision) == (3, 2, 0.5)
    assert found.f1 == pytest.approx(0.4)
    assert {one.name: one.f1 for one in found.types} == {"PER": pytest.approx(2 / 3), "LOC": 0.0}


def test_what_has_no_label_counts_on_neither_side():
    labels, said = np.array([1, -1, 0]), np.array([1, 1, 0])
    found = span_scores(("O", "B-X"), labels, said, np.zeros(3, int))
    assert (found.support, found.predicted, found.f1) == (1, 1, 1.0)


def test_a_span_does_not_reach_into_the_next_row():
    tags = np.array([1, 2, 2])
    found = TagSet(("O", "B-X", "I-X")).spans(tags, np.array([0, 0, 1]))
    assert found.tolist() == [[0, 1, 0], [2, 2, 0]]


def test_classes_without_prefixes_are_spans_of_equal_neighbours():
    tags = np.array([1, 1, 2, 0, 2])
    found = TagSet(("O", "tool", "fruit")).spans(tags, np.zeros(5, int))
    assert found.tolist() == [[0, 1, 0], [2, 2, 1], [4, 4, 1]]


@pytest.mark.parametrize(
    "scheme, tags, place",
    [
        ("iob2", "B-X I-X O B-X", None),
        ("iob2", "I-X", 0),
        ("iob2", "B-X I-Y", 1),
        ("iob2", "B-X E-X", 1),
        ("iob1", "I-X B-X I-X", None),
        ("iob1", "B-X", 0),
        ("iob1", "I-X B-Y", 1),
        ("ioes", "S-X B-X I-X E-X O", None),
        ("ioes", "B-X", 1),
        ("ioes", "B-X S-X", 1),
        ("ioes", "E-X", 0),
        ("ioes", "B-X E-Y", 1),
    ],
)
def test_a_scheme_says_where_a_row_breaks(scheme, tags, place):
    assert broken_at(tags.split(), scheme) == place


@given(st.lists(st.sampled_from("OBIES"), max_size=8))
def test_a_whole_row_of_ioes_says_the_same_spans_as_its_rewriting_in_iob2(prefixes):
    tags = ["O" if prefix == "O" else f"{prefix}-A" for prefix in prefixes]
    if broken_at(tags, "ioes") is not None:
        return
    other = {"S-A": "B-A", "E-A": "I-A"}
    rewritten = [other.get(tag, tag) for tag in tags]
    assert broken_at(rewritten, "iob2") is None
    numbers = [np.array([TAGS.index(tag) for tag in one], int) for one in (tags, rewritten)]
    owners = np.zeros(len(tags), int)
    one, two = (TagSet(TAGS).spans(part, owners).tolist() for part in numbers)
    assert one == two


@given(rows_of_tags)
def test_bilou_is_ioes_by_other_names(rows):
    bilou = tuple(tag.replace("E-", "L-").replace("S-", "U-") for tag in TAGS)
    tags, owners = flat(rows)
    one, two = (TagSet(names).spans(tags, owners).tolist() for names in (TAGS, bilou))
    assert one == two
    for row in rows:
        ioes, other = ([names[tag] for tag in row] for names in (TAGS, bilou))
        assert broken_at(ioes, "ioes") == broken_at(other, "ioes")
