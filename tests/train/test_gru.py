"""A GRU: smaller than an LSTM, blind to padding, per example and per token."""

import keras
import numpy as np
import pytest

from schemas.train_section import Student
from stages.train.pipeline import train
from stages.train.students import build_student
from tests import tiny

SIZES = {"embedding_width": 8, "units": 6}


def built(kind, per="example"):
    student = Student(name="x", kind=kind, options=SIZES)
    return build_student(student, vocabulary_size=20, classes=3, per=per)


@pytest.mark.parametrize(("per", "shape"), [("example", (2, 3)), ("token", (2, 4, 3))])
def test_it_answers_per_example_and_per_token_whatever_the_padding(per, shape):
    keras.utils.set_random_seed(1)
    model = built("gru", per)
    short = np.array([[3, 4, 5, 6], [7, 8, 0, 0]], np.int32)
    found = model(short).numpy()
    assert found.shape == shape
    padded = model(np.pad(short, ((0, 0), (0, 5)))).numpy()
    np.testing.assert_allclose(padded[:, :4] if per == "token" else padded, found, atol=1e-6)


def test_it_has_three_quarters_of_the_recurrent_weights_of_an_lstm():
    kernels = {
        kind: sum(
            np.prod(one.shape) for one in built(kind).trainable_variables if "kernel" in one.name
        )
        for kind in ("gru", "lstm")
    }
    logits = 2 * 6 * 3
    assert 4 * (kernels["gru"] - logits) == 3 * (kernels["lstm"] - logits)


def test_a_run_file_may_name_it(table, tmp_path):
    options = "{embedding_width=8, units=6}"
    run = tiny.run(f'train.students=[{{name="g", kind="gru", options={options}}}]')
    plans = train(run, table, out=tmp_path)
    assert [(plan.student.kind, plan.role) for plan in plans] == [
        ("gru", "student"),
        ("gru", "baseline"),
    ]
    assert all((plan.path / "student.keras").is_file() for plan in plans)
