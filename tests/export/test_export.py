"""Exported students: every format says what the student says, in a process of its own."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import StudentError
from schemas.export_card import ExportCard
from schemas.export_formats import FORMATS
from stages.evaluate.predict import StudentPredictor
from stages.export import compare, pipeline
from stages.export.formats import formats_here
from stages.export.pipeline import export, export_student
from stages.rows.row_logits import RowLogits
from stages.train.pipeline import train, trained_card
from stages.train.plan import plan_students
from tests import tiny

STUDENTS = """train.students=[
  {name="bag", kind="bag", options={embedding_width=8, units=8}},
  {name="lstm", kind="lstm", options={embedding_width=8, units=8}},
]""".replace("\n", "")
RUN = (STUDENTS, "train.baseline=false", "train.epochs=1", "train.max_length=12")


@pytest.fixture(scope="module")
def trained(_labelled, tmp_path_factory):
    from stages.table.opening import open_table

    out = tmp_path_factory.mktemp("trained")
    table = open_table(_labelled / "labels")
    train(tiny.run(*RUN), table, out=out)
    return table, out


@pytest.mark.timeout(600)
def test_it_says_the_same_in_a_clean_process(kind, trained):
    table, out = trained
    found = dict(export(plan_students(tiny.run(*RUN), table, out=out), table, formats=[kind]))
    assert set(found) == {"bag student seed 1", "lstm student seed 1"}
    for plan in plan_students(tiny.run(*RUN), table, out=out):
        card = found[plan.name]
        folder = plan.path / "exported" / kind
        assert ExportCard.model_validate_json((folder / "export.json").read_bytes()) == card
        assert card.student_fingerprint == plan.fingerprint
        assert card.rows == table.card.counts.split_rows["test"]
        assert card.largest_difference < (0.05 if kind == "tflite_int8" else 1e-5)
        assert card.agreement == 1.0
        assert card.milliseconds_a_text > 0
        assert card.size_bytes > 1000
        assert (folder / "vocab.txt").exists()


def plan_of(trained):
    table, out = trained
    return next(plan_students(tiny.run(*RUN), table, out=out))


def test_an_export_that_says_something_else_is_refused_and_has_no_card(trained, monkeypatch):
    plan = plan_of(trained)
    said = RowLogits(np.zeros((2, 3), np.float32) + 9)
    monkeypatch.setattr(compare.ExportedStudent, "answers", lambda self, inputs: said)
    with pytest.raises(
        StudentError, match=r"exported student says something else: .*tflite: a logit"
    ):
        export_student(plan, "tflite", texts=["a cat", "a fig"])
    assert not (plan.path / "exported" / "tflite" / "export.json").exists()


@pytest.mark.timeout(600)
def test_every_row_is_compared_however_many_there_are(kind, trained):
    plan = plan_of(trained)
    draw, words = np.random.default_rng(3), ["a", "cat", "the", "old", "fig", "no", "horse"]
    texts = [" ".join(draw.choice(words, 6)) for _ in range(1203)]
    assert export_student(plan, kind, texts=texts).rows == 1203
    student = StudentPredictor(plan.path, trained_card(plan))
    with compare.loaded(kind, plan.path / "exported" / kind, student) as there:
        said = there.answers(texts).values
    assert len(np.unique(said.round(3), axis=0)) > 200
    np.testing.assert_allclose(
        said, student.logits(texts), atol=0.05 if kind == "tflite_int8" else 1e-5
    )


def test_a_last_row_that_differs_is_enough_to_be_refused(tmp_path):
    ours = RowLogits(np.zeros((2000, 3), np.float32))
    theirs = RowLogits(ours.values.copy())
    theirs.values[-1, 1] = 0.002
    with pytest.raises(
        StudentError, match=r"a logit differs by 2\.00e-03, expected at most 0\.001"
    ):
        compare.compared("onnx", "softmax", ours, theirs, tmp_path)


def test_a_format_that_cannot_be_written_is_named(trained, monkeypatch):
    def fails(student, folder):
        raise NotImplementedError("no such operation: Frobnicate\nmore")

    monkeypatch.setitem(pipeline.WRITERS, "onnx", fails)
    with pytest.raises(StudentError, match="as onnx: no such operation: Frobnicate. Leave this"):
        export_student(plan_of(trained), "onnx", texts=["a cat"])


def test_a_format_whose_library_is_missing_is_left_out_unless_it_is_stated(monkeypatch, capsys):
    monkeypatch.setattr("stages.export.formats.find_spec", lambda name: None)
    assert formats_here(()) == ("saved_model", "keras", "tflite", "tflite_int8")
    assert "onnx is left out: it needs softshards[onnx]" in capsys.readouterr().err
    with pytest.raises(StudentError, match=r"tf2onnx is not installed. Install softshards\[onnx\]"):
        formats_here(("keras", "onnx"))
    assert formats_here(("keras",)) == ("keras",)


def test_all_formats_are_written_where_they_can_be():
    pytest.importorskip("tf2onnx")
    assert formats_here(()) == FORMATS


def test_eight_bits_that_are_no_numbers_are_refused(tmp_path):
    ours = RowLogits(np.zeros((3, 2), np.float32))
    with pytest.raises(StudentError, match="a logit differs by inf, expected a number"):
        compare.compared("tflite_int8", "softmax", ours, RowLogits(ours.values * np.nan), tmp_path)


def test_labels_agree_at_the_thresholds_from_which_on_they_are_said(tmp_path):
    ours = RowLogits(np.array([[-1.0, 3.0], [-2.0, 3.0]], np.float32))
    theirs = RowLogits(ours.values + np.array([-0.5, 0.0], np.float32))
    how = ("tflite_int8", "sigmoid", ours, theirs, tmp_path)
    assert compare.compared(*how).agreement == 1.0
    low = 1 / (1 + np.exp(1.2))  # said from a logit of -1.2 on
    assert compare.compared(*how, thresholds=(low, 0.5)).agreement == 0.75
    assert compare.compared(*how, thresholds=(0.0, 1.0)).agreement == 1.0


def test_a_student_that_was_trained_otherwise_is_refused(trained):
    table, out = trained
    other = tiny.run(*RUN, "train.temperature=9.0")
    with pytest.raises(StudentError, match="student is of another run: .*Run `train`"):
        list(export(plan_students(other, table, out=out), table, formats=["tflite"]))


def test_a_student_that_is_not_trained_cannot_be_exported(table, tmp_path):
    with pytest.raises(StudentError, match="no student: "):
        list(export(plan_students(tiny.run(*RUN), table, out=tmp_path), table, formats=["tflite"]))


@pytest.mark.timeout(600)
def test_the_command_prints_a_row_for_each_export(labelled, table):
    train(tiny.run("train.baseline=false"), table, out=labelled)
    arguments = ["export", "run.toml", "--labels", "labels", "--out", ".", "--format", "tflite"]
    done = CliRunner().invoke(main, [*arguments, "--set", "train.baseline=false"])
    assert done.exit_code == 0, done.stderr
    head, row = done.stdout.splitlines()
    assert head.split()[:2] == ["student", "format"]
    assert row.startswith("bag student seed 1  tflite")
    (card,) = (labelled / "students").rglob("export.json")
    assert json.loads(card.read_text())["takes"] == "token_ids"
