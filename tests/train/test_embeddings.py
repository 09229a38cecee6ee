"""Embeddings that start from the teacher's: what is kept, and what is refused."""

import keras
import numpy as np
import pytest

from schemas.errors import StudentError
from stages.table.opening import open_table
from stages.train.pipeline import train
from stages.train.plan import plan_students
from stages.train.start.embeddings import reduced, start_embeddings
from stages.train.students.bag import build
from tests import tiny

RNG = np.random.default_rng(3)
TEACHER = RNG.normal(size=(40, 12)).astype(np.float32) * np.linspace(3, 0.1, 12, dtype=np.float32)
PIECES = [f"p{number}" for number in range(40)]


def test_the_first_components_are_kept_and_padding_is_zero():
    found = reduced(TEACHER, width=12)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], 0.0)
    assert np.sqrt((found[1:] ** 2).mean()) == pytest.approx(1.0, rel=1e-5)
    spread = found[1:].var(axis=0)
    assert (np.diff(spread) <= 1e-9).all()
    np.testing.assert_allclose(found[1:].mean(axis=0), 0.0, atol=1e-6)


def test_distances_between_pieces_are_kept_up_to_one_factor():
    found = reduced(TEACHER, width=12)[1:]
    between = [np.linalg.norm(one[:, None] - one[None], axis=-1) for one in (found, TEACHER[1:])]
    above = np.triu_indices(39, 1)
    ratio = between[0][above] / between[1][above]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_the_result_does_not_depend_on_signs():
    flipped = TEACHER * np.where(np.arange(12) % 2, -1, 1).astype(np.float32)
    found = [np.abs(reduced(rows, width=4)) for rows in (TEACHER, flipped)]
    np.testing.assert_allclose(*found, atol=1e-5)
    np.testing.assert_array_equal(reduced(TEACHER, width=4), reduced(TEACHER, width=4))


def start(student, embeddings=TEACHER, pieces=PIECES[:20]):
    start_embeddings(student, embeddings, teacher_pieces=PIECES, pieces=pieces, name="bag")
    return student


def test_rows_follow_the_pieces():
    student = build(vocabulary_size=20, classes=3, embedding_width=4)
    pieces = ["p0", *PIECES[30:20:-1], *PIECES[1:10]]
    found = start(student, pieces=pieces).get_weights()[0]
    order = [int(piece[1:]) for piece in pieces]
    np.testing.assert_array_equal(found, reduced(TEACHER[order], width=4))


@pytest.mark.parametrize(
    ("student", "embeddings", "message"),
    [
        (lambda: build(vocabulary_size=20, classes=3), None, "no embeddings to start from: bag"),
        (
            lambda: build(vocabulary_size=20, classes=3),
            TEACHER,
            "with width 64, expected one, at most 12",
        ),
        (lambda: build(vocabulary_size=9, classes=3), TEACHER, "of 20 rows with width none"),
    ],
)
def test_what_cannot_be_started_so_is_refused(student, embeddings, message):
    with pytest.raises(StudentError, match=message):
        start(student(), embeddings)


STUDENT = 'train.students=[{name="bag", kind="bag", embeddings="%s", options={embedding_width=2}}]'


def test_a_student_of_a_run_starts_from_the_tables_embeddings(table, tmp_path):
    run = tiny.run(STUDENT % "teacher", "train.learning_rate=1e-9", "train.baseline=false")
    (plan,) = train(run, table, out=tmp_path)
    found = keras.saving.load_model(plan.path / "student.keras", compile=False).get_weights()[0]
    assert np.sqrt((found[1:] ** 2).mean()) == pytest.approx(1.0, rel=1e-3)
    other = tiny.run(STUDENT % "random", "train.baseline=false")
    (random,) = plan_students(other, table, out=tmp_path)
    assert random.fingerprint != plan.fingerprint


def test_a_table_without_embeddings_says_so(labelled, tmp_path):
    from tests.golden.write import FOLDER

    run = tiny.run(STUDENT % "teacher", "train.baseline=false")
    with pytest.raises(StudentError, match="the teacher left none beside the table"):
        train(run, open_table(FOLDER / "v3"), out=tmp_path)
