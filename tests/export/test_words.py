"""Exported students of words and of questions: every format says of each word what they say."""

import numpy as np
import pytest

from schemas.errors import StudentError
from schemas.export_card import ExportCard
from stages.evaluate.predict import StudentPredictor
from stages.export.compare import compared, loaded
from stages.export.pipeline import export
from stages.rows.pointers import SEPARATOR
from stages.rows.row_logits import RowLogits
from stages.train.pipeline import train, trained_card
from stages.train.plan import plan_students
from tests import tiny_pixels, tiny_questions, tiny_words

HOW = (
    "train.baseline=false",
    "train.epochs=1",
    "train.seeds=[1]",
    "train.students=[{name='lstm', kind='lstm', options={embedding_width=8, units=8}}]",
)
OF_WORDS = tiny_words.run(*HOW, "train.max_length=10")  # the longest rows are cut
OF_QUESTIONS = tiny_questions.run(*HOW, "train.max_length=24")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    tiny_words.write_corpus(folder, tiny_words.examples())
    return OF_WORDS, tiny_words.label(folder), folder


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    tiny_questions.write(folder)
    return OF_QUESTIONS, tiny_questions.label(folder), folder


@pytest.fixture(scope="module", params=["words", "questions"])
def trained(request):
    run, table, out = request.getfixturevalue(request.param)
    train(run, table, out=out)
    return run, table, out


def exported(trained, kind):
    """Return the card of an export and its folder; it is exported once."""
    run, table, out = trained
    [plan] = plan_students(run, table, out=out)
    folder = plan.path / "exported" / kind
    if not (folder / "export.json").is_file():
        list(export([plan], table, formats=[kind]))
    return ExportCard.model_validate_json((folder / "export.json").read_bytes()), folder


def student_of(trained):
    run, table, out = trained
    [plan] = plan_students(run, table, out=out)
    return StudentPredictor(plan.path, trained_card(plan)), trained_card(plan)


@pytest.mark.timeout(600)
def test_it_says_the_same_of_each_word_in_a_clean_process(kind, trained):
    run, table, _ = trained
    card, _ = exported(trained, kind)
    assert (card.per, card.kind) == ("token", run.head.kind)
    assert card.takes == ("words" if kind == "saved_model" else "token_ids")
    assert card.rows == table.card.counts.split_rows["test"]
    assert card.largest_difference < (0.05 if kind == "tflite_int8" else 1e-5)
    assert card.agreement == 1.0 or kind == "tflite_int8"


@pytest.mark.timeout(600)
def test_rows_of_several_batches_are_each_answered_in_their_place(kind, trained):
    run, _, _ = trained
    (student, _), (_, folder) = student_of(trained), exported(trained, kind)
    rows = [["the", "[SEP]", *["fig"] * (row % 12), "cat"] for row in range(150)]
    ours = student.answers(rows)
    with loaded(kind, folder, student) as there:
        said = there.answers(rows)
    np.testing.assert_array_equal(said.offsets, ours.offsets)
    np.testing.assert_array_equal(said.seen, ours.seen)
    allowed = 0.05 if kind == "tflite_int8" else 1e-5
    np.testing.assert_allclose(said.values[said.seen], ours.values[ours.seen], atol=allowed)


def test_words_are_padded_with_nothing_and_those_not_seen_have_no_answer(trained):
    import tensorflow as tf

    run, (student, _) = trained[0], student_of(trained)
    model = tf.saved_model.load(str(exported(trained, "saved_model")[1]))
    serve = model.signatures["serving_default"]
    rows = [["the", "[SEP]", "old", "cat"], ["a", "[SEP]", *["fig"] * 30]]
    padded = [[*row, *[""] * (40 - len(row))] for row in rows]
    said = {name: value.numpy() for name, value in serve(words=tf.constant(padded)).items()}
    answers = student.answers(rows)
    assert said["logits"].shape == (2, 40, len(run.head.classes))
    assert np.isnan(said["logits"][0, 4:]).all()
    assert np.isnan(said["logits"][1, 20:]).any()
    for row, name in enumerate(rows):
        ours = answers.values[answers.offsets[row] : answers.offsets[row + 1]]
        np.testing.assert_allclose(said["logits"][row, : len(name)], ours, atol=1e-5)
    if run.head.points:
        assert np.isnan(said["logits"][:, 0]).all()  # before the separator
        np.testing.assert_allclose(said["probabilities"].sum(axis=1), 1.0, rtol=1e-5)
        assert (said["probabilities"][:, 0] == 0).all()  # before the separator
        assert (said["probabilities"][0, 4:] == 0).all()
    else:
        seen = ~np.isnan(said["logits"][..., 0])
        np.testing.assert_allclose(said["probabilities"][seen].sum(axis=-1), 1.0, rtol=1e-5)


def test_an_export_that_sees_other_words_is_refused(words):
    run, table, out = words
    train(run, table, out=out)
    student, card = student_of(words)
    answers = student.answers([["the", "old", "cat"]])
    others = RowLogits(answers.values.copy(), answers.offsets)
    others.values[-1] = np.nan
    with pytest.raises(StudentError, match="says something else: .* a logit differs by inf"):
        compared("onnx", card.kind, answers, others, out)


def test_what_is_said_of_the_question_counts_for_nothing(questions):
    run, table, out = questions
    train(run, table, out=out)
    student, card = student_of(questions)
    ours = student.answers([["cat", SEPARATOR, "old", "cat"]])
    assert ours.seen.tolist() == [False, True, True, True]
    lines = ([np.nan, 0, 3, 0], [np.nan, 0, 0, 3])
    said = [np.array([[one, one] for one in line], np.float32) for line in lines]
    found = [RowLogits(one, ours.offsets) for one in said]
    with pytest.raises(StudentError, match=r"a logit differs by 3\.00e\+00"):
        compared("onnx", card.kind, *found, out)
    assert compared("tflite_int8", card.kind, *found, out).agreement == 0.0


def test_a_head_by_pixel_is_not_exported(tmp_path):
    tiny_pixels.write_corpus(tmp_path)
    with pytest.raises(StudentError, match="no export for this head: 'shade' is per pixel"):
        list(export([], tiny_pixels.label(tmp_path), formats=["keras"]))
