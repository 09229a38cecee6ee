"""A forecast counts exactly what a label run then does, and writes nothing."""

import pytest

from stages.label.forecast import forecast, forecast_text
from stages.label.plan import plan_label
from stages.teacher_folder import open_teacher
from tests import tiny


def look_ahead(folder, *overrides):
    run = tiny.run(*overrides)
    teacher = open_teacher(folder / "teacher", classes=run.head.classes)
    return forecast(plan_label(run, base=folder, teacher=teacher), labels=folder / "labels")


def test_before_the_first_run_everything_is_called(experiment):
    found = look_ahead(experiment)
    assert not (experiment / "labels").exists()
    counts = tiny.label(experiment, experiment / "labels").card.counts
    assert found.rows == counts.rows
    assert found.train_rows == counts.split_rows["train"]
    apart = sum(counts.other_calls.values())
    assert found.teacher_calls == found.distinct_inputs == counts.teacher_calls - apart
    assert found.reused_inputs == found.removed_inputs == 0
    assert found.teacher_seconds > 0
    assert found.break_even_epochs == pytest.approx(counts.distinct_inputs / found.train_rows)


def test_a_corpus_that_changed_is_counted_as_label_will_count_it(labelled):
    rows = [*tiny.examples()[:40], {"text": "brand new saw", "thing": "tool"}]
    tiny.write_corpus(labelled / "corpus.jsonl", rows)
    found = look_ahead(labelled)
    counts = tiny.label(labelled, labelled / "labels").card.counts
    assert found.teacher_calls == counts.teacher_calls == 1
    assert found.reused_inputs == counts.reused_inputs
    assert found.removed_inputs == counts.removed_inputs > 0
    saved = counts.teacher_seconds_saved
    assert found.teacher_seconds_saved == pytest.approx(saved, rel=0.01, abs=0.002)
    assert "teacher time saved" in dict(forecast_text(found))


def test_an_unchanged_corpus_costs_nothing_and_loads_no_teacher(labelled, monkeypatch):
    monkeypatch.setattr("stages.label.forecast.load_teacher", None)
    found = look_ahead(labelled)
    assert found.teacher_calls == found.teacher_seconds == 0
    assert found.bytes_on_disk > 0
    assert dict(forecast_text(found))["pays off after"] == "at once"


def test_an_empty_corpus_has_an_empty_forecast(experiment):
    (experiment / "corpus.jsonl").write_text("")
    assert look_ahead(experiment).rows == 0
