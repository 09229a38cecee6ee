"""Training from the table: resumable, deterministic, and without the teacher."""

import subprocess
import sys

import numpy as np
import pytest

from schemas.errors import DamagedTableError, StudentError, TableError
from stages.evaluate.predict import StudentPredictor
from stages.table.opening import open_table
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from tests import tiny


def weights(plan):
    import keras

    return keras.saving.load_model(plan.path / "student.keras", compile=False).get_weights()


def test_every_student_is_trained_beside_its_baseline(table, run, tmp_path):
    plans = train(run, table, out=tmp_path)
    assert [(plan.role, plan.seed) for plan in plans] == [("student", 1), ("baseline", 1)]
    for plan in plans:
        card = read_student_card(plan.path)
        assert card.fingerprint == plan.fingerprint
        assert len(card.epochs) == 2
        assert {"loss", "accuracy", "agreement", "val_loss"} <= set(card.epochs[0])


def test_the_same_seed_gives_the_same_student(table, run, tmp_path):
    first = train(run, table, out=tmp_path / "one")[0]
    again = train(run, table, out=tmp_path / "two")[0]
    for one, other in zip(weights(first), weights(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_second_run_trains_nothing_and_says_so(table, run, tmp_path, capsys):
    train(run, table, out=tmp_path)
    plan = next(plan_students(run, table, out=tmp_path))
    before = (plan.path / "student.keras").stat().st_mtime_ns
    train(run, table, out=tmp_path)
    assert (plan.path / "student.keras").stat().st_mtime_ns == before
    assert "train: nothing to do, 2 students are up to date" in capsys.readouterr().err


def test_what_is_missing_is_trained_and_the_rest_kept(table, run, tmp_path):
    student, baseline = train(run, table, out=tmp_path)
    before = (student.path / "student.keras").stat().st_mtime_ns
    (baseline.path / "student.json").unlink()
    train(run, table, out=tmp_path)
    assert (student.path / "student.keras").stat().st_mtime_ns == before
    assert (baseline.path / "student.json").exists()


def test_another_temperature_is_another_student_but_the_same_baseline(table, run, tmp_path):
    one = list(plan_students(run, table, out=tmp_path))
    other = list(plan_students(tiny.run("train.temperature=7.0"), table, out=tmp_path))
    assert one[0].fingerprint != other[0].fingerprint
    assert one[1].fingerprint == other[1].fingerprint


def test_no_baseline_where_it_is_switched_off(table, tmp_path):
    plans = plan_students(tiny.run("train.baseline=false"), table, out=tmp_path)
    assert [plan.role for plan in plans] == ["student"]


def test_a_student_that_was_not_trained_is_stated(tmp_path):
    with pytest.raises(StudentError, match="no student: .*Run `train`"):
        read_student_card(tmp_path)


def test_a_student_whose_card_cannot_be_read_is_trained_anew(table, run, tmp_path, capsys):
    plans = train(run, table, out=tmp_path)
    card = plans[0].path / "student.json"
    whole = card.read_text()
    for text in ("{", whole.replace("{", '{"novelty": 1, ', 1)):
        card.write_text(text)
        train(run, table, out=tmp_path)
        assert "begun anew: student's card cannot be read: " in capsys.readouterr().err
        assert card.read_text() == whole


def test_rows_beyond_a_students_positions_are_cut_there_and_it_is_said(table, tmp_path, capsys):
    bert = "{name='bert', kind='bert', options={layers=1, hidden_width=8, max_length=5}}"
    run = tiny.run(f"train.students=[{bert}]", "train.max_length=10", "train.baseline=false")
    [plan] = train(run, table, out=tmp_path)
    assert "bert student seed 1 has 5 positions: what goes beyond" in capsys.readouterr().err
    card = read_student_card(plan.path)
    assert card.max_length == 5
    said = StudentPredictor(plan.path, card).answers(["one two three four five six seven"] * 2)
    assert np.isfinite(said.values).all()


@pytest.mark.parametrize("how", ["baseline=true", "hard_label_epochs=1"])
def test_what_needs_hard_labels_is_said_before_anything_is_trained(how, experiment, tmp_path):
    rows = tiny.examples()
    train_texts = tiny.label(experiment, experiment / "first").read("train", ["text"])["text"]
    unlabelled = set(train_texts.to_pylist())
    kept = [{**row, "thing": None if row["text"] in unlabelled else row["thing"]} for row in rows]
    tiny.write_corpus(experiment / "corpus.jsonl", kept)
    table = tiny.label(experiment, experiment / "labels")
    run = tiny.run("train.baseline=false", f"train.{how}")
    with pytest.raises(TableError, match=r"no row with a hard label in split 'train': .*baseline"):
        train(run, table, out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("student.json"))
    plans = train(tiny.run("train.baseline=false"), table, out=tmp_path / "out")
    assert read_student_card(plans[0].path).epochs


def test_a_missing_vocabulary_is_stated(table, run, tmp_path):
    (table.artefacts_path / "vocab.txt").unlink()
    with pytest.raises(TableError, match="artefacts are missing"):
        train(run, table, out=tmp_path)


def test_a_flipped_bit_in_a_shard_is_found_before_anything_is_trained(table, run, tmp_path):
    shard = table.shards_of("train")[1]
    data = bytearray(shard.path.read_bytes())
    data[len(data) // 2] ^= 1
    shard.path.write_bytes(data)
    message = rf"shard is damaged: .*{shard.path.name}: its bytes have digest"
    with pytest.raises(DamagedTableError, match=message):
        train(run, table, out=tmp_path)
    made = [path for path in (tmp_path / "students").rglob("*") if path.is_file()]
    assert {path.suffix for path in made} == {".lock"}


NO_TEACHER = """
import sys
from pathlib import Path
from stages.run.experiment import run_all
from tests import tiny

student = '{name="own", kind="bag", options={embedding_width=4, units=4}}'
run = tiny.run(f"train.students=[{student}]")
report = run_all(run, out=Path.cwd())
assert report.students[0].name == "own"
loaded = {name for name in sys.modules if name.startswith(("stages.teachers", "apache_beam"))}
places = {"", ".folder", ".places", ".loaded", ".parts", ".parts.source", ".parts.protocol"}
loaded -= {f"stages.teachers{place}" for place in places}
assert not loaded, loaded
"""


def test_a_student_is_added_from_the_table_without_loading_teacher_or_beam(labelled):
    before = open_table(labelled / "labels").version
    (labelled / "teacher" / "teacher.keras").chmod(0o400)
    done = subprocess.run(
        [sys.executable, "-c", NO_TEACHER],
        cwd=labelled,
        env={
            "PYTHONPATH": ":".join(sys.path),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "label: nothing to do" in done.stderr
    assert "AutoGraph" not in done.stderr
    assert open_table(labelled / "labels").version == before
