"""Several teachers: their tables are joined by content, and make a table like any other."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import RunFileError, StaleTableError, TableError
from stages.asking.recheck import Tolerance
from stages.combine.pipeline import combine
from stages.label.pipeline import label
from stages.label.planning.plan import plan_label
from stages.run.experiment import combine_step, evaluate_step, recheck_step, train_step
from stages.run.inspect import inspect_folder
from stages.table.artefacts import read_embeddings, read_measures
from stages.table.opening import open_table, table_exists
from stages.table.verify import verify
from stages.teachers.folder import open_teacher
from tests import tiny, tiny_words

WITH_VIEWS = 'label.views={seed=1, augmenters=[{kind="swap"}, {kind="crossover"}]}'


@pytest.fixture
def tables(experiment):
    """Two teachers' tables over one corpus, cut into other shards."""
    first = tiny.label(experiment, experiment / "one")
    tiny.write_teacher(experiment / "teacher", bias=1.5)
    shuffled = tiny.examples()[::-1]
    tiny.write_corpus(experiment / "corpus.jsonl", shuffled)
    return first, tiny.label(experiment, experiment / "two", "label.num_shards=7")


def softmax(row):
    row = np.exp(np.array(row, np.float64) - max(row))
    return row / row.sum()


def by_id(table):
    return {(row["split"], row["example_id"]): row for row in tiny.rows_of(table)}


def test_each_row_has_the_mean_of_its_teachers_probabilities(tables):
    table = combine(tiny.run("label.precision=float32"), tables, labels=Path("both"))
    verify(table)
    one, two, both = map(by_id, (*tables, table))
    assert both.keys() == one.keys()
    for key, row in both.items():
        expected = (softmax(one[key]["teacher_thing"]) + softmax(two[key]["teacher_thing"])) / 2
        np.testing.assert_allclose(softmax(row["teacher_thing"]), expected, rtol=1e-5, atol=1e-8)
        assert {**row, "teacher_thing": 0} == {**one[key], "teacher_thing": 0}
    card = table.card
    assert [one.weight for one in card.teachers] == [0.5, 0.5]
    assert card.counts.teacher_calls == 0 and card.counts.rows == 120
    assert card.quality.splits["test"].accuracy == 1.0


def test_a_second_time_nothing_is_done_and_other_weights_are_another_table(tables):
    first = combine(tiny.run(), tables, labels=Path("both"))
    assert combine(tiny.run(), tables, labels=Path("both")).version == first.version
    other = combine(tiny.run("combine.weights=[3, 1]"), tables, labels=Path("both"))
    assert other.version == first.version + 1
    assert [one.weight for one in other.card.teachers] == [0.75, 0.25]
    assert other.card.teacher_fingerprint != first.card.teacher_fingerprint


def test_logits_can_be_averaged_and_weights_found_on_validation(tables):
    how = ("combine.mean=logits", "combine.weights=validation", "label.precision=auto")
    table = combine(tiny.run(*how), tables, labels=Path("both"))
    verify(table)
    assert sum(one.weight for one in table.card.teachers) == pytest.approx(1.0)


@pytest.fixture
def gap(experiment):
    """Two tables: the second lacks three rows of the first, and has one more."""
    rows = tiny.examples(60)
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    first = tiny.label(experiment, experiment / "one")
    tiny.write_teacher(experiment / "teacher", bias=1.5)
    tiny.write_corpus(experiment / "corpus.jsonl", [*rows[3:], {"text": "my fig", "thing": None}])
    return first, tiny.label(experiment, experiment / "two")


def test_a_row_that_one_teacher_lacks_has_the_others_mean_or_goes_or_is_an_error(gap):
    one, two = map(by_id, gap)
    whole = combine(tiny.run("label.precision=float32"), gap, labels=Path("whole"))
    verify(whole)
    both = by_id(whole)
    assert both.keys() == one.keys() | two.keys()
    for key in one.keys() ^ two.keys():
        own = (one.get(key) or two[key])["teacher_thing"]
        np.testing.assert_allclose(
            softmax(both[key]["teacher_thing"]), softmax(own), rtol=1e-5, atol=1e-8
        )
    missing = [one.missing_rows for one in whole.card.teachers]
    assert missing == [len(two.keys() - one.keys()), len(one.keys() - two.keys())]
    dropped = combine(tiny.run("combine.missing=drop"), gap, labels=Path("dropped"))
    verify(dropped)
    assert by_id(dropped).keys() == one.keys() & two.keys()
    assert [one.missing_rows for one in dropped.card.teachers] == missing
    with pytest.raises(TableError, match=r"row is missing: \w+-000000 in .*two"):
        combine(tiny.run("combine.missing=error"), gap, labels=Path("none"))
    assert not table_exists(Path("none"))


@pytest.fixture
def annotated(experiment):
    """Two tables of rows with ids of their own, of which two have one id and one text each."""
    lines = [{"id": f"q{number}", **row} for number, row in enumerate(tiny.examples(30))]
    lines += [{**lines[3], "thing": "tool"}, lines[4]]
    how = 'corpus.example_id="id"'
    tiny.write_corpus(experiment / "corpus.jsonl", lines)
    first = tiny.label(experiment, experiment / "one", how)
    tiny.write_teacher(experiment / "teacher", bias=1.5)
    tiny.write_corpus(experiment / "corpus.jsonl", lines[::-1])
    return first, tiny.label(experiment, experiment / "two", how)


def test_rows_of_one_id_and_text_are_all_kept_each_with_its_label(annotated):
    table = combine(tiny.run("combine.missing=error"), annotated, labels=Path("both"))
    verify(table)
    said = [
        sorted((row["example_id"], row["text"], str(row["label_thing"])) for row in rows)
        for rows in map(tiny.rows_of, (annotated[0], table))
    ]
    assert said[0] == said[1] and len(said[0]) == 32


@pytest.mark.parametrize("turned", [False, True])
def test_a_label_that_only_one_table_has_of_a_repeated_text_is_kept(experiment, turned):
    rows = [*tiny.examples(30), {"text": "my fig", "thing": "fruit"}]
    tables = []
    for name, more in (("one", []), ("two", [{"text": "my fig", "thing": "animal"}])):
        tiny.write_corpus(experiment / "corpus.jsonl", [*rows, *more])
        tables.append(tiny.label(experiment, experiment / name))
    table = combine(tiny.run(), tables[::-1] if turned else tables, labels=Path("both"))
    verify(table)
    assert table.card.counts.rows == 32
    said = {
        row["example_id"].split("-")[1]: row["label_thing"]
        for row in tiny.rows_of(table)
        if row["text"] == "my fig"
    }
    assert said == {"000000": "animal", "000001": "fruit"}  # numbered by label, as `label` does


def test_a_row_whose_label_was_mended_is_one_row(experiment):
    rows = [*tiny.examples(30), {"text": "my fig", "thing": None}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    first = tiny.label(experiment, experiment / "one")
    tiny.write_corpus(
        experiment / "corpus.jsonl", [*rows[:-1], {"text": "my fig", "thing": "fruit"}]
    )
    second = tiny.label(experiment, experiment / "two")
    table = combine(tiny.run("combine.missing=error"), (first, second), labels=Path("both"))
    verify(table)
    assert by_id(table).keys() == by_id(first).keys()


def test_views_are_joined_too(experiment):
    first = tiny.label(experiment, experiment / "one", WITH_VIEWS)
    tiny.write_teacher(experiment / "teacher", bias=1.5)
    second = tiny.label(experiment, experiment / "two", WITH_VIEWS)
    table = combine(tiny.run(), (first, second), labels=Path("both"))
    verify(table)
    assert table.card.counts.views == first.card.counts.views > 0


def test_a_row_is_aside_where_every_teacher_set_it_aside(experiment):
    lines = [{"text": f"{word} {filler}"} for word in ("fig", "cat", "the") for filler in "abcd"]
    tiny.write_corpus(experiment / "more.jsonl", lines)
    more = 'corpus.unlabelled=[{files=[{path="more.jsonl"}], format="jsonl", min_confidence=LIMIT}]'
    tables = []
    for name, limit in (("one", 0.9), ("two", 0.5)):
        tables.append(tiny.label(experiment, experiment / name, more.replace("LIMIT", str(limit))))
    aside = [set(table.read("aside", ["text"])["text"].to_pylist()) for table in tables]
    assert aside[0] and aside[0] != aside[1]
    both = combine(tiny.run(), tables, labels=Path("both"))
    verify(both)
    assert set(both.read("aside", ["text"])["text"].to_pylist()) == aside[0] & aside[1]


def test_a_table_is_not_replaced_by_a_mean_of_itself(tables):
    with pytest.raises(TableError, match="would replace one of its sources"):
        combine(tiny.run(), tables, labels=tables[0].path)


def test_tables_without_a_common_row_make_none(experiment):
    first = tiny.label(experiment, experiment / "one")
    rows = [{"text": f"{row['text']} too", "thing": row["thing"]} for row in tiny.examples()]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    second = tiny.label(experiment, experiment / "two")
    for how in ("label.precision=float16", "label.precision=auto"):
        with pytest.raises(TableError, match="nothing to combine: no row"):
            combine(tiny.run("combine.missing=drop", how), (first, second), labels=Path("both"))
    assert not table_exists(Path("both"))


def test_words_are_combined_by_position(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_words.write_corpus(tmp_path, tiny_words.examples())
    tables = []
    for window in (6, 3):
        tables.append(tiny_words.label(tmp_path, f"teacher.options={{window={window}}}"))
        shutil.move("labels", f"of-{window}")
        tables[-1] = open_table(Path(f"of-{window}"))
    table = combine(tiny_words.run(), tables, labels=Path("both"))
    verify(table)
    assert table.card.counts.unseen_positions == tables[0].card.counts.unseen_positions
    for row in tiny.rows_of(table):
        assert [one is None for one in row["teacher_thing"]] == [
            place >= 6 for place in range(len(row["words"]))
        ]


def test_students_train_from_it_as_from_any_table(tables, experiment):
    combine_step(
        tiny.run(), sources=[Path("one"), Path("two")], labels=experiment / "out" / "labels"
    )
    where = {"labels": experiment / "out" / "labels", "out": experiment / "out"}
    train_step(tiny.run(), **where)
    report = evaluate_step(tiny.run(), **where)
    measures = [read_measures(table) for table in tables]
    assert report.teacher.parameters == sum(one.parameters for one in measures)
    slowest = min(one.speed.examples_per_second_batch_64 for one in measures)
    assert report.teacher.speed.examples_per_second_batch_64 < slowest
    table = open_table(where["labels"])
    np.testing.assert_array_equal(read_embeddings(table), read_embeddings(tables[0]))
    assert "mean of 2 teachers" in inspect_folder(where["labels"], as_json=False)


def of_letters(*, last):
    """Return a teacher without a vocabulary of its own."""
    return lambda texts: [[len(text) % 5, text.count("e"), last] for text in texts]


def test_a_mean_of_a_mean_is_trained_on_although_no_teacher_has_a_vocabulary(experiment):
    tables = []
    for last in (1, 2, 3):
        how = "callable='tests.combine.test_pipeline:of_letters', options={last=LAST}"
        teacher = f'teacher={{kind="module", {how}}}'.replace("LAST", str(last))
        tables.append(tiny.label_run(experiment, tiny.run(teacher), f"of-{last}"))
    both = combine(tiny.run(), tables[:2], labels=experiment / "both")
    whole = combine(tiny.run(), [both, tables[2]], labels=experiment / "whole")
    assert read_measures(both).vocabulary_made_for == tables[0].card.plan_fingerprint
    assert read_measures(whole).vocabulary_made_for == both.card.plan_fingerprint
    written = (whole.artefacts_path / "teacher_measures.json").stat().st_mtime_ns
    combine(tiny.run(), [both, tables[2]], labels=experiment / "whole")
    assert (whole.artefacts_path / "teacher_measures.json").stat().st_mtime_ns == written


def test_it_is_not_held_to_one_of_its_teachers(tables, experiment):
    combine(tiny.run(), tables, labels=Path("both"))
    with pytest.raises(StaleTableError, match="mean of teachers: both: it has 2"):
        recheck_step(tiny.run(), labels=Path("both"), out=experiment, tolerance=Tolerance(inputs=5))


def test_tables_that_do_not_belong_together_are_refused(tables, experiment):
    with pytest.raises(TableError, match="nothing to combine: 1 table"):
        combine(tiny.run(), tables[:1], labels=Path("none"))
    with pytest.raises(TableError, match=r"found 3 in combine.weights, expected 2"):
        combine(tiny.run("combine.weights=[1, 1, 1]"), tables, labels=Path("none"))
    other = tiny.label(experiment, experiment / "three", "corpus.split={test=0.6}")
    with pytest.raises(StaleTableError, match="split otherwise: .*three"):
        combine(tiny.run(), (tables[0], other), labels=Path("none"))
    head = 'heads=[{name="thing", classes=["animal", "tool", "fruit"]}]'
    tiny.write_teacher(experiment / "teacher", classes=("animal", "tool", "fruit"))
    turned = tiny.run(head)
    teacher = open_teacher(experiment / "teacher", classes=turned.head.classes)
    plan = plan_label(turned, base=experiment, teacher=teacher)
    turned_table = label(plan, labels=experiment / "four")
    with pytest.raises(StaleTableError, match="tables have other head: .*four"):
        combine(tiny.run(), (tables[0], turned_table), labels=Path("none"))


@pytest.mark.parametrize("weights", ["[1, -1]", "[0, 0]", "[]"])
def test_weights_that_are_no_shares_are_refused(weights):
    with pytest.raises(RunFileError, match="at least 0"):
        tiny.run(f"combine.weights={weights}")


def test_without_labels_of_validation_no_weights_are_found(experiment):
    rows = [{"text": row["text"], "thing": None} for row in tiny.examples()]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    first = tiny.label(experiment, experiment / "one")
    tiny.write_teacher(experiment / "teacher", bias=1.5)
    second = tiny.label(experiment, experiment / "two")
    with pytest.raises(TableError, match="weights cannot be found"):
        combine(tiny.run("combine.weights=validation"), (first, second), labels=Path("none"))


def test_an_interrupted_run_leaves_nothing_visible(tables, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stages.combine.pipeline.commit", stop)
        with pytest.raises(KeyboardInterrupt):
            combine(tiny.run(), tables, labels=Path("both"))
    assert not table_exists(Path("both"))
    verify(combine(tiny.run(), tables, labels=Path("both")))


def test_one_table_named_twice_is_refused(tables, experiment):
    how, (one, _) = tiny.run(), tables
    again = experiment / "other" / ".." / "one"
    (experiment / "other").mkdir()
    with pytest.raises(TableError, match="table is named twice: .*Name each once with --from"):
        combine_step(how, sources=[one.path, again], labels=experiment / "mean")
    assert not table_exists(experiment / "mean")
