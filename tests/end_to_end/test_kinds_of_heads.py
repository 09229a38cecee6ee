"""Several labels a row, and numbers: from corpus to report, export, search and mean."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers what an exported student needs)

from schemas.adjust_section import Target
from schemas.errors import RunFileError
from schemas.scores import LabelScores, ValueScores
from stages.adjust.pipeline import adjust
from stages.combine.pipeline import combine
from stages.evaluate.html import render
from stages.evaluate.judge import tuning_rows
from stages.evaluate.pipeline import evaluate
from stages.evaluate.text import results_text
from stages.export.pipeline import export
from stages.run.experiment import export_step
from stages.run.inspect import inspect_folder
from stages.table.opening import open_table
from stages.teach.pipeline import plan_teach, teach
from stages.teachers.folder import read_card
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from tests import tiny, tiny_kinds
from tests.tiny_berts import write_hugging_face
from tests.tiny_kinds import OF_LABELS, OF_VALUES

LONGER = ("train.epochs=30", "train.learning_rate=0.02", "train.hard_label_weight=0.3")
KINDS = {"labels": OF_LABELS, "values": OF_VALUES}


@pytest.fixture(scope="module", params=KINDS)
def made(request, tmp_path_factory):
    """Return a kind's run, its table, the trained students' folder and the report."""
    folder = tmp_path_factory.mktemp(request.param)
    tiny.write_experiment(folder)
    tiny_kinds.write(folder)
    run = tiny_kinds.run(KINDS[request.param], *LONGER)
    table = tiny.label_run(folder, run)
    plans = train(run, table, out=folder)
    return run, table, folder, plans, evaluate(run, table, plans, out=folder)


def test_a_student_learns_and_is_measured_as_its_kind_is(made):
    run, _, folder, plans, report = made
    kind = LabelScores if run.head.kind == "sigmoid" else ValueScores
    results = [report.teacher, *report.models]
    assert all(isinstance(result.scores, kind) for result in results)
    metric = report.teacher.scores.headline
    assert report.teacher.scores.figures[metric] > 0.999
    assert [model.role for model in report.models] == ["student", "baseline"]
    found = [model.scores.figures[metric] for model in report.models]
    assert min(found) > 0.75, found
    assert report.models[0].scores.agreement > 0.75
    assert report.students[0].metric == metric
    assert run.kept_by == ("f1_micro" if kind is LabelScores else "r2")
    assert read_student_card(plans[0].path).kind == run.head.kind
    best = max(epoch[f"val_{run.kept_by}"] for epoch in report.models[0].epochs)
    assert f"{best:.4f}" in inspect_folder(plans[0].path, as_json=False)
    assert inspect_folder(folder, as_json=False).startswith("tiny: ")


def test_the_epoch_that_ranks_best_is_kept_where_that_is_the_target(made):
    run, table, folder, _, _ = made
    if run.head.kind != "sigmoid":
        return
    ranks = tiny_kinds.run(
        OF_LABELS,
        "train.epochs=6",
        "evaluate.split=validation",
        "target={metric='auc', at_least=0.9999}",
    )
    assert ranks.kept_by == "auc"
    plans = train(ranks, table, out=folder / "ranks")
    report = evaluate(ranks, table, plans, out=folder / "ranks")
    model, _ = report.models
    areas = [epoch["val_auc"] for epoch in model.epochs]
    assert len(set(areas)) > 1
    assert model.scores.auc == pytest.approx(max(areas), abs=2e-3)
    assert read_student_card(plans[0].path).kept_by == "val_auc"
    assert f"best validation auc  {max(areas):.4f}" in inspect_folder(plans[0].path, as_json=False)


def test_a_report_is_judged_by_the_metric_of_the_target(made):
    run, table, folder, plans, plain = made
    metric, shown = ("auc", "AUC") if run.head.kind == "sigmoid" else ("r2", "R²")
    target = Target(metric=metric, at_least=0.9)
    judged = run.model_copy(update={"target": target})
    report = evaluate(judged, table, plans, out=folder / "judged")
    scores, summary = report.teacher.scores, report.students[0]
    assert (scores.headline, summary.metric) == (metric, metric)
    assert scores.figures == plain.teacher.scores.figures
    lifts = [
        one.scores.figures[metric] - other.scores.figures[metric]
        for one, other in zip(report.models[::2], report.models[1::2], strict=True)
    ]
    assert summary.lift.mean == pytest.approx(np.mean(lifts))
    own = summary.student[metric].mean
    assert summary.retention == pytest.approx(own / scores.figures[metric])
    heads = results_text(report).splitlines()[1].split("  ")
    assert [one.strip() for one in heads if one.strip()][1] == shown
    assert f"points of {shown} over the baseline" in render(report)
    assert report.fingerprint != plain.fingerprint
    assert "judged_by" in report.model_dump_json()
    assert "judged_by" not in plain.model_dump_json() + table.card.model_dump_json()


def test_the_report_says_what_its_kind_says(made):
    run, _, _, _, report = made
    text, page = results_text(report), render(report)
    names = (
        ("F1 micro", "AP", "ECE") if run.head.kind == "sigmoid" else ("Pearson", "Spearman", "MAE")
    )
    for name in (*names, "agreement", "retention"):
        assert name in text.splitlines()[1]
        assert f"<th>{name}</th>" in page
    assert f"of {names[0]} over the baseline" in text
    assert "confusion" not in page
    assert ("Calibration" in page) == (run.head.kind == "sigmoid")
    assert ("threshold, F1" in page) == (run.head.kind == "sigmoid")
    assert page.count("<th>MAE</th>") == (run.head.kind == "regression")


def test_numbers_far_from_zero_are_learned_from_their_mean_on(tmp_path):
    tiny.write_experiment(tmp_path)
    tiny_kinds.write(
        tmp_path, [{**row, "score": row["score"] + 500} for row in tiny_kinds.examples()]
    )
    far = 'teacher={kind="module", callable="tests.tiny_kinds:of_far_values"}'
    run = tiny_kinds.run((*OF_VALUES, far), *LONGER, "train.baseline=false")
    table = tiny.label_run(tmp_path, run)
    report = evaluate(run, table, train(run, table, out=tmp_path), out=tmp_path)
    assert report.teacher.scores.r2 > 0.999
    assert report.models[0].scores.r2 > 0.5


def test_thresholds_are_tuned_on_validation(made):
    run, table, folder, _, _ = made
    if run.head.kind != "sigmoid":
        return
    hasty = tiny_kinds.run(OF_LABELS, "train.epochs=2", "train.baseline=false")
    plans = train(hasty, table, out=folder / "hasty")
    report = evaluate(hasty, table, plans, out=folder / "hasty")
    limits = [one.threshold for one in report.models[0].scores.classes]
    assert set(limits) - {0.5}
    here = tiny_kinds.run(
        OF_LABELS, "train.epochs=2", "train.baseline=false", "evaluate.split=validation"
    )
    other = evaluate(here, table, plans, out=folder / "other")
    assert {one.threshold for one in other.models[0].scores.classes} == {0.5}


@pytest.mark.parametrize(("repeats", "once"), [("once", True), ("keep", False)])
def test_an_export_is_tuned_on_the_rows_that_the_run_counts(made, repeats, once, monkeypatch):
    run, table, folder, _, _ = made
    if run.head.kind != "sigmoid":
        return
    how = (f"corpus.repeats={repeats}", "train.epochs=1", "train.baseline=false")
    hasty, out = tiny_kinds.run(OF_LABELS, *how), folder / repeats
    train(hasty, table, out=out)
    asked = []

    def tuning(table, *, once):
        asked.append(once)
        return tuning_rows(table, once=once)

    monkeypatch.setattr("stages.export.decisions.tuning_rows", tuning)
    [(_, card)] = export_step(hasty, labels=table.path, out=out, formats=["keras"])
    assert asked == [once] and card.thresholds is not None


def test_it_is_exported(made):
    run, table, folder, _, report = made
    [(_, card)] = export(plan_students(run, table, out=folder), table, formats=["saved_model"])
    assert card.agreement == 1.0
    assert card.classes == run.head.classes
    assert card.largest_difference < 1e-4
    assert card.confidence is None
    if run.head.kind == "sigmoid":
        assert card.thresholds == tuple(one.threshold for one in report.models[0].scores.classes)
    else:
        assert card.thresholds is None
    [place] = folder.glob("students/bag/seed-1/student/exported/saved_model")
    serve = tf.saved_model.load(str(place)).signatures["serving_default"]
    said = serve(text=tf.constant(["the cat"]))
    if run.head.kind == "regression":
        assert set(said) == {"logits"}
    else:
        expected = 1 / (1 + np.exp(-said["logits"].numpy()))
        np.testing.assert_allclose(said["probabilities"], expected, rtol=1e-5)


def test_settings_are_searched(made, tmp_path):
    run, table, _, _, _ = made
    metric = run.kept_by
    search = "adjust={seed=1, trials=2, search={learning_rate=[1e-3, 0.02]}}"
    how = tiny_kinds.run(
        KINDS["labels" if run.head.kind == "sigmoid" else "values"],
        *LONGER,
        f'target={{metric="{metric}", at_least=0.99}}',
        search,
        "train.epochs=3",
    )
    found = adjust(how, table, out=tmp_path)
    assert found.metric == metric
    assert any(trial.quality is not None for trial in found.trials)


def test_teachers_are_combined_by_their_logits(made, tmp_path):
    run, table, folder, _, _ = made
    kind = KINDS["labels" if run.head.kind == "sigmoid" else "values"]
    tables = [table, open_table(shutil.copytree(table.path, tmp_path / "other"))]
    with pytest.raises(RunFileError, match=r'found mean = .probabilities.*State mean = "logits"'):
        combine(run, tables, labels=tmp_path / "mean")
    how = tiny_kinds.run(kind, 'combine.mean="logits"')
    mean = combine(how, tables, labels=tmp_path / "mean")
    name = run.head.teacher_column
    for one, other in zip(tiny.rows_of(mean), tiny.rows_of(table), strict=True):
        assert one[name] == pytest.approx(other[name], abs=1e-3)
        assert one[run.head.label_column] == other[run.head.label_column]
    with pytest.raises(RunFileError, match=r"weights = .validation."):
        combine(
            tiny_kinds.run(kind, 'combine={mean="logits", weights="validation"}'),
            tables,
            labels=tmp_path / "mean",
        )


@pytest.mark.parametrize("name", KINDS)
def test_a_teacher_is_fine_tuned(name, experiment):
    write_hugging_face(experiment / "bert")
    tiny_kinds.write(experiment)
    fit = (
        'teacher={encoder={path="bert"}, max_length=24, fit={seed=1, epochs=12, '
        "learning_rate=1e-2, batch_size=4, patience_epochs=12, dropout=0.0}}"
    )
    run = tiny_kinds.run(KINDS[name], fit)
    teach(plan_teach(run, base=experiment), out=experiment / "made")
    scores = read_card(experiment / "made").scores["test"]
    assert scores.figures[scores.headline] > 0.6
    assert f"{scores.figures[scores.headline]:.4f}" in inspect_folder(
        experiment / "made", as_json=False
    )
