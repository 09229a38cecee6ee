"""Evaluation of real students on the tiny table."""

import json

import keras
import numpy as np
import pytest

from schemas.errors import StudentError, TableError
from schemas.provenance import digest_file
from schemas.report import Report
from stages.evaluate.judge import held_out
from stages.evaluate.pipeline import evaluate
from stages.evaluate.predict import StudentPredictor
from stages.evaluate.text import results_text
from stages.export.pipeline import export_student
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from tests import tiny


def test_report_json_and_html_are_written_and_then_kept(table, run, tmp_path, capsys):
    plans = train(run, table, out=tmp_path)
    made = evaluate(run, table, plans, out=tmp_path)
    assert made.teacher.scores.accuracy == 1.0
    assert [model.role for model in made.models] == ["student", "baseline"]
    for model in made.models:
        low, high = model.speed.latency_ms_quartiles
        assert 0 < low <= model.speed.latency_ms_batch_1 <= high
    data = json.loads((tmp_path / "report" / "report.json").read_text())
    assert Report.model_validate(data) == made
    assert (tmp_path / "report" / "report.html").read_text().startswith("<!doctype html>")
    assert evaluate(run, table, plans, out=tmp_path) == made
    assert "evaluate: nothing to do" in capsys.readouterr().err


def test_a_student_is_scored_on_its_own_predictions(table, run, tmp_path):
    plans = train(run, table, out=tmp_path)
    data = held_out(run, table, "test")
    predictor = StudentPredictor(plans[0].path, read_student_card(plans[0].path))
    right = predictor.logits(data.inputs).argmax(axis=1) == data.labels
    made = evaluate(run, table, plans, out=tmp_path)
    assert made.models[0].scores.accuracy == pytest.approx(right.mean())


def test_a_report_says_how_many_texts_a_student_cuts(table, tmp_path):
    run = tiny.run("train.max_length=4", "train.epochs=1", "train.baseline=false")
    made = evaluate(run, table, train(run, table, out=tmp_path), out=tmp_path)
    texts = held_out(run, table, "test").inputs
    longer = sum(len(text.split()) > 2 for text in texts)
    assert 0 < longer < len(texts)
    assert {model.cut for model in made.models} == {longer}
    name = run.train.students[0].name
    said = f"{name}: {longer} inputs go beyond train.max_length and are cut there"
    assert said in results_text(made)
    assert f"<td>{longer} inputs go beyond" in (tmp_path / "report" / "report.html").read_text()


def test_a_saved_student_answers_the_same_in_any_batch(table, run, tmp_path):
    plan = train(run, table, out=tmp_path)[0]
    predictor = StudentPredictor(plan.path, read_student_card(plan.path))
    texts = ["the old cat", "fig", "one red saw and my new dear good small big axe"]
    together = predictor.logits(texts)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(predictor.logits([text])[0], together[row], rtol=1e-5, atol=1e-6)


def test_repeats_count_once_where_the_run_file_says_so(table):
    every = held_out(tiny.run(), table, "test")
    once = held_out(tiny.run("corpus.repeats=once"), table, "test")
    assert len(once.inputs) == len(set(every.inputs)) < len(every.inputs)


def test_a_missing_student_is_stated(table, run, tmp_path):
    plans = list(plan_students(run, table, out=tmp_path))
    with pytest.raises(StudentError, match="Run `train`"):
        evaluate(run, table, plans, out=tmp_path)


def test_a_split_without_labels_is_stated(experiment):
    rows = [{**row, "thing": None} for row in tiny.examples(40)]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    table = tiny.label(experiment, experiment / "labels")
    with pytest.raises(TableError, match="no labelled row in split 'test'"):
        held_out(tiny.run(), table, "test")


def test_a_damaged_student_file_is_stated(table, run, tmp_path):
    plan = train(run, table, out=tmp_path)[0]
    (plan.path / "student.keras").write_bytes(b"not a model")
    with pytest.raises(StudentError, match="student cannot be loaded"):
        StudentPredictor(plan.path, read_student_card(plan.path))


def test_a_student_file_of_another_model_is_stated_where_it_is_asked(table, run, tmp_path):
    plan = train(run, table, out=tmp_path)[0]
    two = [keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")]
    keras.Model(two, keras.layers.Add()(two)).save(plan.path / "student.keras")
    predictor = StudentPredictor(plan.path, read_student_card(plan.path))
    with pytest.raises(StudentError, match="student cannot be asked: .*: ValueError: .*expects 2"):
        predictor.answers(["the old cat"])


def test_a_student_is_held_to_its_vocabulary_and_an_old_card_to_none(table, run, tmp_path):
    plan = train(run, table, out=tmp_path)[0]
    words, place = plan.path / "vocab.txt", plan.path / "student.json"
    card = read_student_card(plan.path)
    digest = digest_file(words)
    assert card.vocabulary == digest
    pieces = words.read_text().split("\n")
    words.write_text("\n".join([*pieces[:5], *pieces[6:], pieces[5]]))
    said = f"found digest {digest_file(words)}, expected {digest} as its student.json says"
    with pytest.raises(StudentError, match=f"student has another vocabulary: .*vocab.txt: {said}"):
        StudentPredictor(plan.path, card)
    with pytest.raises(StudentError, match="student has another vocabulary"):
        evaluate(run, table, [plan], out=tmp_path)
    with pytest.raises(StudentError, match="student has another vocabulary"):
        export_student(plan, "tflite", texts=["the old cat"])
    before = card.model_copy(update={"vocabulary": None})
    assert "vocabulary" not in before.model_dump()
    place.write_text(before.model_dump_json())
    assert StudentPredictor(plan.path, read_student_card(plan.path)).logits(["a cat"]).size == 3
