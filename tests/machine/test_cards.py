"""A card that does not hold is said by its field: what was found there, what was expected."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import PipelineError
from schemas.export_card import ExportCard
from schemas.report import Report
from schemas.student_card import StudentCard
from schemas.teacher_card import TeacherCard, TeacherMeasures
from stages.evaluate.pipeline import evaluate
from stages.machine.cards import card_in
from stages.run.inspect import inspect_folder
from stages.table.artefacts import read_measures
from stages.teachers.folder import open_teacher, read_card
from stages.teachers.load import load_teacher
from stages.train.pipeline import read_student_card, train
from tests import tiny

STUDENT = Path("out/students/bag/seed-1/student")


@pytest.fixture(scope="module")
def _reported(_labelled, tmp_path_factory):
    from stages.run.experiment import run_all

    folder = tmp_path_factory.mktemp("cards") / "made"
    shutil.copytree(_labelled, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shutil.copytree("labels", "out/labels")
        run_all(tiny.run(), out=Path("out"))
    return folder


@pytest.fixture
def made(_reported, tmp_path, monkeypatch):
    """The tiny experiment with its students and its report."""
    folder = tmp_path / "made"
    shutil.copytree(_reported, folder)
    monkeypatch.chdir(folder)
    return folder


def spoil(path, **values):
    """Set fields of a card; None removes one."""
    card = {**json.loads(Path(path).read_bytes()), **values}
    text = json.dumps({name: value for name, value in card.items() if value is not None})
    Path(path).write_text(text)


WRONG = [
    ({"max_length": "long"}, "field 'max_length': found 'long', expected a whole number"),
    ({"max_length": None}, "missing field 'max_length'"),
    ({"novel": 1}, "unknown field 'novel'"),
    ({"classes": 5}, "field 'classes': found 5, expected a list"),
    ({"lowercase": "perhaps"}, "field 'lowercase': found 'perhaps', expected true or false"),
    ({"epochs": [{"loss": "x"}]}, "field 'epochs.0.loss': found 'x', expected a number"),
]


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_a_teachers_card_names_its_field(values, message, experiment):
    spoil("teacher/teacher.json", **values)
    with pytest.raises(PipelineError) as failure:
        read_card(Path("teacher"))
    assert f"teacher card cannot be read: teacher/teacher.json: {message}. Mend" in str(
        failure.value
    )


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_a_students_card_names_its_field(values, message, made):
    spoil(STUDENT / "student.json", **values)
    with pytest.raises(PipelineError) as failure:
        read_student_card(STUDENT)
    assert f"student's card cannot be read: {STUDENT}/student.json: {message}. Run" in str(
        failure.value
    )


def test_the_measures_of_a_teacher_name_their_field(table):
    spoil(table.artefacts_path / "teacher_measures.json", parameters=[1], lowercase=None)
    with pytest.raises(PipelineError) as failure:
        read_measures(table)
    assert "artefacts are damaged: " in str(failure.value)
    assert "field 'parameters': found [1], expected a whole number" in str(failure.value)
    assert "missing field 'lowercase'" in str(failure.value)


def test_a_report_names_its_field_and_is_made_again(made):
    spoil("out/report/report.json", format_version=1)
    with pytest.raises(PipelineError) as failure:
        inspect_folder(Path("out"), as_json=False)
    assert "field 'format_version': found 1, expected 2. Run `evaluate`" in str(failure.value)
    result = CliRunner().invoke(
        main, ["evaluate", "run.toml", "--labels", "out/labels", "--out", "out"]
    )
    assert result.exit_code == 0, result.stderr


def test_an_exports_card_names_its_field(made, table):
    folder = STUDENT / "exported" / "keras"
    folder.mkdir(parents=True)
    (folder / "export.json").write_text('{"format": "odd"}')
    (made / "out/report/report.json").unlink()
    run = tiny.run()
    with pytest.raises(PipelineError) as failure:
        evaluate(run, table, train(run, table, out=Path("out")), out=Path("out"))
    assert f"export's card cannot be read: {folder}/export.json: field 'format': " in str(
        failure.value
    )
    assert "found 'odd', expected 'saved_model', " in str(failure.value)


@pytest.mark.parametrize("kind", [TeacherCard, StudentCard, TeacherMeasures, ExportCard, Report])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found EOF while parsing a value, expected JSON"),
        (b"{", "found EOF while parsing an object, expected JSON"),
        (b"[]", "found [], expected a section of keys and values"),
        (b"\xff", "expected JSON"),
        (b"[" * 3000, "found recursion limit exceeded, expected JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "expected JSON"),
    ],
)
def test_what_is_no_card_at_all_is_one_short_line(kind, data, message, tmp_path):
    path = tmp_path / "card.json"
    path.write_bytes(data)
    with pytest.raises(ValueError) as failure:
        card_in(path, kind)
    assert message in str(failure.value)
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 400


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), -1e308])
def test_a_figure_that_is_no_number_is_read_again_as_it_was(figure, tmp_path):
    card = TeacherCard(
        classes=tiny.CLASSES, max_length=8, lowercase=True, epochs=({"loss": figure},)
    )
    (tmp_path / "card").write_text(card.model_dump_json())
    [epoch] = card_in(tmp_path / "card", TeacherCard).epochs
    assert repr(epoch["loss"]) == repr(figure)


def test_a_model_whose_configuration_is_damaged_is_stated(experiment):
    path = Path("teacher/teacher.keras")
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    config = json.loads(parts["config.json"])
    for layer in config["config"]["layers"]:
        layer["config"] = {**layer["config"], "dtype": "\n"}
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, data in parts.items():
            new.writestr(name, data)
    source = open_teacher(Path("teacher"), classes=tiny.CLASSES)
    with pytest.raises(PipelineError, match="teacher cannot be loaded: teacher/teacher.keras: "):
        load_teacher(source)
