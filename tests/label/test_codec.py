"""Rounding of logits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.label.codec import round_logits

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
