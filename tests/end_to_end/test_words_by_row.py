"""Words with a class a row: teachers and students take them as the text that they are."""

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from run_pipeline import main
from stages.inputs.find import input_of
from stages.run.experiment import run_all, teach_step
from stages.run.multi_task import run_file_all
from stages.table.opening import open_version
from stages.table.verify import verify
from stages.teachers.folder import read_card
from stages.teachers.load import load_teacher
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts, tiny_heads

OF_WORDS = ('corpus.features=["words"]', 'corpus.feature_kinds={words="words"}')
WELL = ("train.epochs=20", "train.learning_rate=3e-2", "train.baseline=false")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tiny experiment with its texts as words."""
    monkeypatch.chdir(tmp_path)
    rows = [{"words": row["text"].split(), "thing": row["thing"]} for row in tiny.examples()]
    tiny.write_experiment(tmp_path, rows=rows)
    return tmp_path


@pytest.mark.parametrize("kind", ["keras", "transformers"])
def test_a_teacher_of_texts_answers_a_row_of_words_as_its_text(folder, kind):
    how = OF_WORDS
    if kind == "transformers":
        tiny_berts.write_transformers(folder / "hugging")
        how += ('teacher={kind="transformers", path="hugging", max_length=16}',)
    teacher = load_teacher(find_teacher(tiny.run(*how), base=folder, fitted=folder / "made"))
    words = pa.table({"words": [["old", "fig"], ["my", "cat", "saw"], []]})
    texts = pa.table({"words": input_of(words).texts(words)})
    found = [teacher.logits(teacher.encode(one), np.arange(3)) for one in (words, texts)]
    assert found[0].shape == (3, 3)
    np.testing.assert_array_equal(*found)


def test_a_student_of_words_learns_a_class_a_row_and_is_exported(folder):
    kinds = "train.students=[{name='lstm', kind='lstm', options={embedding_width=8, units=8}}]"
    run = tiny.run(*OF_WORDS, *WELL, kinds, "label.views={seed=1, augmenters=[{kind='swap'}]}")
    report = run_all(run, out=folder / "out")
    assert report.teacher.scores.accuracy == 1.0
    assert report.students[0].student["accuracy"].mean > 0.9
    sets = [part for one in (*OF_WORDS, *WELL, kinds) for part in ("--set", one)]
    sets += ["--set", "label.views={seed=1, augmenters=[{kind='swap'}]}"]
    formats = [part for one in ("saved_model", "tflite") for part in ("--format", one)]
    how = ["export", "run.toml", "--labels", "out/labels", "--out", "out", *sets, *formats]
    done = CliRunner().invoke(main, how)
    assert done.exit_code == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_an_encoder_is_fine_tuned_on_words_with_a_class_a_row(folder):
    tiny_berts.write_hugging_face(folder / "bert")
    fit = (
        'teacher={encoder={path="bert"}, max_length=16, fit={seed=1, epochs=25, batch_size=8, '
        "learning_rate=5e-3, dropout=0.0, patience_epochs=25}}"
    )
    run = tiny.run(*OF_WORDS, fit)
    teach_step(run, out=folder / "out")
    card = read_card(folder / "out" / "teacher")
    assert card.scores["test"].accuracy > 0.9


def test_two_heads_of_a_corpus_and_a_third_of_another_in_one_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tiny_heads.write(tmp_path)
    how = ("train.epochs=25", "train.learning_rate=3e-2", "train.baseline=false")
    reports = list(run_file_all(path, how, out=tmp_path / "out"))
    assert [report.name for report in reports] == ["commands-thing", "commands-word", "kinds"]
    figures = ["accuracy", "accuracy", "f1_micro"]
    for report, figure in zip(reports, figures, strict=True):
        assert report.students[0].student[figure].mean > 0.8, report.name
    whole = open_version(tmp_path / "out" / "labels")
    assert [head.name for head in whole.card.heads] == ["thing", "word", "kinds"]
    assert whole.card.counts.shared_rows == 68
    verify(whole)
    assert list(run_file_all(path, how, out=tmp_path / "out")) == reports
