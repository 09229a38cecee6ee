"""How logits are kept: rounding, the largest ones only, and the smallest within a budget."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.heads import Head
from schemas.layout import Encoding, Layout
from stages.heads.likeness import mean_divergence
from stages.label.planning.encoding import candidates, measure_encoding, smallest_within
from stages.rows.codec import decode, encode, round_logits
from stages.rows.lists import offsets_of
from stages.rows.row_logits import RowLogits

FLOATS = st.lists(st.floats(-60000, 60000, width=32), min_size=1, max_size=50)


@given(FLOATS)
def test_float32_is_left_as_it_is(values):
    logits = np.array([values], np.float32)
    assert round_logits(logits, precision="float32") is logits


@given(FLOATS)
def test_float16_is_within_half_a_unit_in_the_last_place(values):
    logits = np.array([values], np.float32)
    rounded = round_logits(logits, precision="float16")
    normal = np.abs(logits) > np.finfo(np.float32).tiny
    error = np.abs(rounded.astype(np.float64) - logits.astype(np.float64))
    assert (error[normal] <= np.abs(logits[normal].astype(np.float64)) * 2.0**-11).all()


@given(st.lists(st.floats(-60000, 60000, width=16), min_size=1, max_size=50))
def test_float16_agrees_with_numpy_where_numpy_has_normal_numbers(values):
    logits = np.array([values], np.float32) * np.float32(1.00037)
    kept = (np.abs(logits) > 6.2e-5) & (np.abs(logits) < 65000)
    expected = logits.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(round_logits(logits, precision="float16")[kept], expected[kept])


def test_float16_keeps_the_range_of_float32():
    assert np.isfinite(round_logits(np.array([[1e30]], np.float32), precision="float16")).all()


CLASSES = 12
ENCODINGS = [Encoding(precision=p, top_k=k) for p in ("float32", "bfloat16") for k in (None, 1, 4)]


def layout(encoding):
    head = {"name": "h", "classes": [f"c{number}" for number in range(CLASSES)]}
    return Layout(features=("text",), head=Head.model_validate(head), encoding=encoding)


def softmax(logits):
    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


def some_logits(rows=200, spread=4.0, classes=CLASSES):
    made = np.random.default_rng(7).normal(0, spread, (rows, classes))
    return made.astype(np.float32)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_what_is_decoded_is_encoded_as_it_was(encoding):
    columns = pa.table(encode(RowLogits(some_logits()), layout(encoding)))
    again = encode(decode(columns, layout(encoding)), layout(encoding))
    for name in layout(encoding).logit_columns[:2]:
        assert columns[name].combine_chunks().equals(again[name])


@given(st.lists(st.lists(st.floats(-50, 50, width=32), min_size=6, max_size=6), min_size=1))
def test_top_k_keeps_the_kept_classes_probabilities_and_the_whole_tail(rows):
    head = Head.model_validate({"name": "h", "classes": list("abcdef")})
    how = Layout(features=("text",), head=head, encoding=Encoding(precision="float32", top_k=2))
    logits = np.array(rows, np.float32)
    columns = pa.table(encode(RowLogits(logits), how))
    exact = softmax(logits.astype(np.float64))
    found = softmax(decode(columns, how).values.astype(np.float64))
    for row, classes in enumerate(columns["teacher_h_classes"].to_pylist()):
        assert set(logits[row, classes]) == set(np.sort(logits[row])[-2:])
        np.testing.assert_allclose(found[row, classes], exact[row, classes], rtol=1e-4, atol=1e-9)
        rest = np.setdiff1d(np.arange(6), classes)
        np.testing.assert_allclose(found[row, rest], exact[row, rest].sum() / 4, rtol=1e-4)


def test_bfloat16_is_within_half_a_unit_in_the_last_place():
    logits = some_logits()
    rounded = round_logits(logits, precision="bfloat16")
    assert (np.abs(rounded - logits) <= np.abs(logits) * 2.0**-8).all()
    assert (rounded.view(np.uint32) & 0xFFFF == 0).all()


def test_kl_of_a_rounded_table_is_that_of_a_float64_oracle():
    logits, kept = some_logits(), round_logits(some_logits(), precision="bfloat16")
    teacher, other = softmax(logits.astype(float)), softmax(kept.astype(float))
    pairs = zip(teacher.ravel().tolist(), other.ravel().tolist(), strict=True)
    expected = math.fsum(p * math.log(p / q) for p, q in pairs) / len(logits)
    assert mean_divergence(logits, kept, "softmax") == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_smallest_encoding_within_the_budget_is_chosen():
    logits = some_logits(spread=6.0, classes=60)
    head = Head.model_validate({"name": "h", "classes": [f"c{number}" for number in range(60)]})
    how = Layout(features=("text",), head=head)
    tight = smallest_within(RowLogits(logits), how, budget_nats=1e-12)
    assert tight.encoding == Encoding(precision="float32")
    found = smallest_within(RowLogits(logits), how, budget_nats=1e-2)
    assert found.kl_nats <= 1e-2
    assert found.bytes_per_row < tight.bytes_per_row / 2
    for encoding in candidates(60):
        other = measure_encoding(RowLogits(logits), how.model_copy(update={"encoding": encoding}))
        assert other.kl_nats > 1e-2 or other.bytes_per_row >= found.bytes_per_row


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_positions_that_were_not_seen_are_null_and_the_others_are_kept(encoding):
    head = {"name": "h", "per": "token", "classes": [f"c{number}" for number in range(CLASSES)]}
    how = layout(encoding).model_copy(update={"head": Head.model_validate(head)})
    values = some_logits(rows=9)
    values[[0, 4, 8]] = np.nan
    answers = RowLogits(values, offsets_of(np.array([4, 1, 0, 4])))
    columns = pa.table(encode(answers, how))
    kinds = [field.type for field in how.logit_fields]
    assert [columns[name].type for name in how.logit_columns] == kinds
    lists = columns["teacher_h"].to_pylist()
    assert [len(row) for row in lists] == [4, 1, 0, 4]
    assert [one is None for row in lists for one in row] == np.isnan(values[:, 0]).tolist()
    again = decode(columns, how)
    assert again.offsets.tolist() == answers.offsets.tolist()
    seen = answers.seen
    plain = pa.table(encode(RowLogits(values[seen]), layout(encoding)))
    np.testing.assert_array_equal(again.values[seen], decode(plain, layout(encoding)).values)
    assert np.isnan(again.values[~seen]).all()
