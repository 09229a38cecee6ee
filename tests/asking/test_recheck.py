"""A sample asked again: what the teacher says now against what the table says."""

import numpy as np
import pytest

from schemas.errors import StaleTableError, TeacherDriftError
from stages.asking.recheck import Tolerance, recheck, sample_of
from stages.run.experiment import recheck_step
from tests import tiny


class Shifted:
    """The teacher whose logits are changed."""

    def __init__(self, teacher, change):
        self.classes, self.encode, self._teacher = teacher.classes, teacher.encode, teacher
        self._change = change

    def logits(self, encoded, rows):
        return self._change(self._teacher.logits(encoded, rows)).astype(np.float32)


@pytest.fixture
def teacher(labelled):
    from stages.teachers.folder import open_teacher
    from stages.teachers.load import load_teacher

    return load_teacher(open_teacher(labelled / "teacher", classes=tiny.CLASSES))


def again(table, teacher, **tolerance):
    return recheck(table, teacher, how=tiny.run().label, tolerance=Tolerance(**tolerance))


def test_the_same_teacher_says_the_same(table, teacher):
    found = again(table, teacher)
    assert (found.rows, found.inputs) == (120, 60)
    assert found.kl_nats < 1e-9
    assert found.flip_rate == 0


@pytest.mark.parametrize("overrides", [["label.top_k=1"], ["label.precision=bfloat16"]])
def test_what_an_encoding_costs_is_no_drift(overrides, labelled, teacher):
    table = tiny.label(labelled, labelled / "coarse", *overrides)
    assert again(table, teacher, max_kl_nats=1e-6).kl_nats < 1e-9


@pytest.mark.parametrize("inputs", [1, 3, 7, 20, 119, 120, 500])
def test_never_more_inputs_are_asked_than_are_stated(table, inputs):
    rows = sample_of(table, inputs)
    assert rows.num_rows == min(inputs, 120)


def test_the_calls_of_a_recheck_are_those_that_were_stated(table, teacher):
    asked = []
    counting = Shifted(teacher, lambda logits: asked.append(len(logits)) or logits)
    found = again(table, counting, inputs=25)
    assert found.rows == 25
    assert sum(asked) == found.inputs <= 25


def test_a_small_sample_is_spread_over_all_shards(table):
    rows = sample_of(table, 20)
    assert rows.num_rows == 20
    found = {digest[0] // 64 for digest in rows["input_digest"].to_pylist()}
    assert found == {0, 1, 2, 3}


def test_logits_that_drifted_are_stated(table, teacher):
    soft = Shifted(teacher, lambda logits: logits * 0.5)
    with pytest.raises(
        TeacherDriftError,
        match=r"120 rows \(60 distinct inputs\) asked again: mean KL \d.*nats, 0.00%",
    ):
        again(table, soft)
    assert again(table, soft, max_kl_nats=10).flip_rate == 0


def test_other_classes_are_stated_even_where_much_kl_is_let_pass(table, teacher):
    other = Shifted(teacher, lambda logits: np.roll(logits, 1, axis=1))
    with pytest.raises(TeacherDriftError, match="100.00% with another answer; expected at most"):
        again(table, other, max_kl_nats=1e6)


def test_another_teacher_is_refused_before_it_is_loaded(labelled):
    tiny.write_teacher(labelled / "teacher", bias=1.0)
    labels = labelled / "labels"
    with pytest.raises(StaleTableError, match="table was made by another teacher"):
        recheck_step(tiny.run(), labels=labels, out=labelled, tolerance=Tolerance())


def test_inputs_that_cannot_be_answered_any_more_are_drift(table, teacher):
    def spoil(logits):
        return np.where(np.arange(len(logits))[:, None] % 2, np.nan, logits)

    how = tiny.run("label.max_quarantined=0.9").label
    with pytest.raises(
        TeacherDriftError, match=r"cannot answer now: .* of 120 rows \(60 distinct inputs\) asked"
    ):
        recheck(table, Shifted(teacher, spoil), how=how, tolerance=Tolerance())
