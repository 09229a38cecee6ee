"""How far answers are apart: by definition for each kind, and blind to nothing that matters."""

import numpy as np
import pytest

from stages.heads.likeness import largest_difference, mean_divergence, share_of_others
from tests import oracles

DRAW = np.random.default_rng(3)
ONE, OTHER = DRAW.normal(0, 2, (2, 50, 3)).astype(np.float32)


def test_the_divergence_of_each_kind_is_its_definition():
    expected = oracles.kl_to_teacher(OTHER, ONE, 1.0).mean()
    assert mean_divergence(ONE, OTHER, "softmax") == pytest.approx(expected, rel=1e-9)
    expected = oracles.bernoulli_kl_to_teacher(OTHER, ONE, 1.0).mean()
    assert mean_divergence(ONE, OTHER, "sigmoid") == pytest.approx(expected, rel=1e-9)
    numbers = ONE[:, :1]
    expected = 0.5 * 0.1**2 / numbers.astype(np.float64).var()
    assert mean_divergence(numbers, numbers + 0.1, "regression") == pytest.approx(expected, 1e-4)


@pytest.mark.parametrize("kind", ["sigmoid", "regression"])
def test_a_shift_of_one_answer_is_seen(kind):
    numbers = ONE[:, :1]
    assert mean_divergence(numbers, numbers + 20, kind) > 1
    assert share_of_others(numbers, numbers + 20, kind) > 0.3
    assert share_of_others(numbers, -numbers, kind) > 0.9
    assert share_of_others(numbers, numbers, kind) == 0.0


def test_numbers_are_compared_by_their_size():
    large = ONE[:, :1] * 1e4
    assert largest_difference(large, large * (1 + 1e-5), "regression") < 2e-5
    assert largest_difference(ONE, ONE + 1e-2, "softmax") == pytest.approx(1e-2, rel=1e-3)
    assert share_of_others(large, large * (1 + 1e-5), "regression") == 0.0


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "regression"])
def test_nothing_is_not_apart(kind):
    none = np.zeros((0, 3), np.float32)
    assert mean_divergence(none, none, kind) == 0.0
    assert share_of_others(none, none, kind) == 0.0
    assert largest_difference(none, none, kind) == 0.0
