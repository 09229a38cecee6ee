"""A forecast counts exactly what a label run then does, and writes nothing."""

import shutil

import pytest

from schemas.errors import CorpusError
from stages.label.planning.forecast import forecast, forecast_text
from stages.label.planning.plan import plan_label
from stages.label.planning.scan import digests_of
from stages.table.opening import open_table
from stages.table.writing.staging import BucketRecord, ShardFile, Staging
from stages.teachers.folder import open_teacher
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
    monkeypatch.setattr("stages.label.planning.forecast.load_teacher", None)
    found = look_ahead(labelled)
    assert found.teacher_calls == found.teacher_seconds == 0
    assert found.bytes_on_disk > 0
    assert dict(forecast_text(found))["pays off after"] == "at once"


def test_an_empty_corpus_has_an_empty_forecast(experiment):
    (experiment / "corpus.jsonl").write_text("")
    assert look_ahead(experiment).rows == 0


BY_COLUMN = 'corpus.split={column="part"}'


@pytest.fixture
def crossing(experiment):
    """The tiny corpus, with five train rows that are of test too, by a stated split."""
    rows = [{**row, "part": "train"} for row in tiny.examples(40)]
    held = [{"text": f"{word} saw", "thing": "tool"} for word in ("old", "red", "big")]
    rows += [{**row, "part": part} for row in held for part in ("train", "train", "test")]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    return experiment


@pytest.mark.parametrize(("how", "rows", "train"), [("keep", 49, 46), ("drop", 43, 40)])
def test_rows_that_cross_splits_are_counted_as_label_counts_them(how, rows, train, crossing):
    overrides = (BY_COLUMN, f"corpus.crossing={how}", "label.num_shards=1")
    found = look_ahead(crossing, *overrides)
    counts = tiny.label(crossing, crossing / "labels", *overrides).card.counts
    assert (found.rows, found.train_rows) == (rows, train)
    assert (counts.rows, counts.split_rows["train"]) == (rows, train)
    said = dict(forecast_text(found))["inputs in several splits"]
    assert said == counts.crossing_said
    assert said.startswith("3 inputs are in several splits (3 in train, test)")


def test_inputs_that_may_not_cross_are_refused_before_anybody_is_asked(crossing, monkeypatch):
    monkeypatch.setattr("stages.label.planning.forecast.load_teacher", None)
    with pytest.raises(CorpusError, match=r"3 inputs are in several splits .*corpus.jsonl row 4"):
        look_ahead(crossing, BY_COLUMN, "corpus.crossing=error")


def test_unlabelled_rows_of_a_labelled_text_are_not_counted(experiment):
    more = [{"text": row["text"]} for row in tiny.examples(9)] + [{"text": "a fresh fig"}]
    tiny.write_corpus(experiment / "more.jsonl", more)
    found = look_ahead(
        experiment, 'corpus.unlabelled=[{files=[{path="more.jsonl"}], format="jsonl"}]'
    )
    assert found.rows == 121


def test_what_an_interrupted_run_kept_is_not_called_again(experiment):
    before = look_ahead(experiment)
    tiny.label(experiment, experiment / "labels")
    run = tiny.run("label.max_quarantined=1")
    teacher = open_teacher(experiment / "teacher", classes=run.head.classes)
    plan = plan_label(run, base=experiment, teacher=teacher)
    staging = Staging(experiment / "other", plan.work)
    table = open_table(experiment / "labels")
    shards = [shard for shard in table.shards if "shard-00000" in shard.path.name]
    files = []
    for shard in shards:
        name = f"split={shard.split}/{shard.path.name}"
        staging.shard_path(name).parent.mkdir(parents=True)
        shutil.copy(shard.path, staging.shard_path(name))
        size = shard.size_bytes
        files.append(ShardFile(path=name, split=shard.split, rows=shard.rows, size_bytes=size))
    kept = sum(shard.rows for shard in shards)
    inputs = len(digests_of(shards))
    staging.write_bucket(BucketRecord(bucket=0, rows=kept, files=tuple(files), calls=inputs))
    found = forecast(plan, labels=experiment / "other")
    assert found.teacher_calls == before.teacher_calls - inputs
    assert (found.rows, found.kept_shards, found.calls_before) == (120, 1, inputs)
    said = dict(forecast_text(found))["kept"]
    assert said == f"1 shard of an interrupted run, which made {inputs} calls"


def test_views_are_counted_at_most(experiment):
    views = 'label.views={seed=1, augmenters=[{kind="swap"}]}'
    found = look_ahead(experiment, views)
    said = dict(forecast_text(found))
    assert said["views"] == f"at most {found.views}"
    assert said["teacher calls"] == f"at most {found.teacher_calls}"
    assert dict(forecast_text(look_ahead(experiment)))["views"] == "0"


def test_the_size_of_many_small_files_counts_each_file(experiment):
    found = look_ahead(experiment)
    table = tiny.label(experiment, experiment / "labels")
    size = sum(shard.size_bytes for shard in table.shards)
    assert len(table.shards) == 12
    assert found.bytes_on_disk == pytest.approx(size, rel=0.15)


def test_where_label_has_nothing_to_do_the_plan_says_so(experiment, capsys):
    tiny.write_touchy_teacher(experiment / "teacher")
    rows = [*tiny.examples(), {"text": "the poison cat", "thing": "animal"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    how = "label.max_quarantined=1"
    tiny.label(experiment, experiment / "labels", how)
    found = look_ahead(experiment, how)
    assert (found.teacher_calls, found.calls_beside, found.sampled_calls) == (0, 0, 0)
    said = dict(forecast_text(found))
    capsys.readouterr()
    tiny.label(experiment, experiment / "labels", how)
    tail = "; 1 row is in quarantine, as label.max_quarantined allows; with 0 it is read and asked"
    assert tail in said["label"]
    assert f"label: {said['label']}" in capsys.readouterr().err.splitlines()
    assert look_ahead(experiment, "label.max_quarantined=2").teacher_calls == 1
