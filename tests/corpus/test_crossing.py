"""Inputs in several splits: counted, left out or refused; and no view is a held-out input."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CorpusError
from schemas.report import Report
from schemas.soft_labels import Counts
from stages.corpus.crossing import crossing_inputs, less_held_out, summed
from stages.evaluate.text import crossing_lines
from stages.inputs.find import input_digests
from stages.label.planning.plan import plan_label
from stages.table.verify import verify
from stages.teachers.folder import open_teacher
from stages.views.views import distinct_digests, held_out_digests
from tests import tiny
from tests.end_to_end.test_commands import command, failed

BY_COLUMN = 'corpus.split={column="part"}'
ROWS = [
    ("the cat", "animal", "train"),
    ("the cat", "animal", "train"),
    ("the cat", "animal", "test"),
    ("my dog", "animal", "train"),
    ("my dog", "animal", "validation"),
    ("one pear", "fruit", "validation"),
    ("one pear", "fruit", "test"),
    ("old axe", "tool", "train"),
    ("old axe", "tool", "validation"),
    ("old axe", "tool", "test"),
    ("red plum", "fruit", "train"),
    ("red fig", "fruit", "validation"),
    ("red saw", "tool", "test"),
    ("big saw", "tool", "train"),
]
CROSSING = {
    "train, test": 1,
    "train, validation": 1,
    "train, validation, test": 1,
    "validation, test": 1,
}
SAID = (
    "4 inputs are in several splits (1 in train, test; 1 in train, validation; 1 in train, "
    "validation, test; 1 in validation, test)"
)
TWICE = ("--direct_runner_bundle_repeat=1",)
WORKERS = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.fixture
def crossing(experiment):
    rows = [{"text": text, "thing": label, "part": part} for text, label, part in ROWS]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    return experiment


def texts_of(table):
    return [(row["text"], row["split"]) for row in tiny.rows_of(table) if not row["view"]]


def label_command(*overrides):
    sets = [part for one in (BY_COLUMN, *overrides) for part in ("--set", one)]
    return command("label", "run.toml", "--labels", "labels", *sets)


def test_by_default_they_stay_and_that_is_said(crossing):
    done = label_command()
    assert done.exit_code == 0, done.stderr
    assert (
        f'label: {SAID}, which flatters figures there; with corpus.crossing = "drop" each stays '
        "in test, else in validation, only"
    ) in done.stderr.splitlines()
    assert f"inputs in several splits  {SAID}\n" in command("inspect", "labels").stdout
    counts = json.loads(command("inspect", "labels", "--json").stdout)["counts"]
    assert (counts["crossing_inputs"], counts["crossing_splits"]) == (4, CROSSING)
    assert counts["rows"] == 14


@pytest.mark.parametrize("beam", [(), WORKERS])
def test_dropped_they_stay_where_they_are_held_out_most(crossing, beam):
    made = tiny.label(crossing, crossing / "labels", BY_COLUMN, "corpus.crossing=drop", beam=beam)
    assert sorted(texts_of(made)) == [
        ("big saw", "train"),
        ("my dog", "validation"),
        ("old axe", "test"),
        ("one pear", "test"),
        ("red fig", "validation"),
        ("red plum", "train"),
        ("red saw", "test"),
        ("the cat", "test"),
    ]
    counts = made.card.counts
    assert (counts.rows, counts.left_out, counts.crossing_left_out) == (8, 6, 6)
    assert (counts.crossing_inputs, counts.crossing_splits) == (4, CROSSING)
    assert counts.distinct_inputs == 8
    verify(made)


def test_what_was_dropped_is_said(crossing):
    done = label_command("corpus.crossing=drop")
    said = f"{SAID}; 6 of their rows are left out: each stays in test, else in validation, only"
    assert f"label: {said}" in done.stderr.splitlines()
    assert "unlabelled rows left out" not in done.stderr
    assert f"inputs in several splits  {said}\n" in command("inspect", "labels").stdout


def test_as_an_error_it_names_rows_and_no_teacher_is_asked(crossing, monkeypatch):
    monkeypatch.setattr("stages.label.pipeline._ask_first", lambda *_, **__: 1 / 0)
    line = failed(label_command("corpus.crossing=error"))
    assert line.startswith(f"error: {SAID}: corpus.jsonl row ")
    assert "corpus.jsonl row 1 (train) and corpus.jsonl row 3 (test)" in line
    assert line.count(" (train) and ") + line.count(" (validation) and ") >= 3
    assert line.endswith(
        'Nothing was committed. Leave them in one split, or state corpus.crossing = "drop" or '
        '"keep".'
    )
    assert not (crossing / "labels" / "_delta_log").exists()


def test_as_an_error_a_table_that_is_there_is_refused_too(crossing):
    assert label_command().exit_code == 0
    line = failed(label_command("corpus.crossing=error"))
    assert line.startswith(f"error: {SAID}: ")
    rows = [{"text": "a cat", "thing": "animal", "part": part} for part in ("train",) * 3]
    tiny.write_corpus(crossing / "corpus.jsonl", rows)
    done = label_command("corpus.crossing=error")
    assert done.exit_code == 0, done.stderr
    assert "label: nothing to do" in label_command("corpus.crossing=error").stderr


def test_files_with_splits_of_their_own_are_counted_too(experiment):
    files = []
    for split in ("train", "validation", "test"):
        rows = [{"text": text, "thing": label} for text, label, part in ROWS if part == split]
        tiny.write_corpus(experiment / f"{split}.jsonl", rows)
        files.append(f'{{path="{split}.jsonl", split="{split}"}}')
    made = tiny.label(experiment, experiment / "labels", f"corpus.files=[{', '.join(files)}]")
    assert made.card.counts.crossing_splits == CROSSING


def test_unlabelled_rows_count_for_nothing(crossing):
    tiny.write_corpus(crossing / "more.jsonl", [{"text": "red saw"}, {"text": "a new fig"}])
    more = 'corpus.unlabelled=[{files=[{path="more.jsonl"}], format="jsonl"}]'
    made = tiny.label(crossing, crossing / "labels", BY_COLUMN, more, "corpus.crossing=drop")
    counts = made.card.counts
    assert (counts.crossing_splits, counts.left_out, counts.crossing_left_out) == (CROSSING, 7, 6)
    assert ("a new fig", "train") in texts_of(made)


def plan_of(folder, *overrides):
    run = tiny.run(*overrides)
    teacher = open_teacher(folder / "teacher", classes=run.head.classes)
    return plan_label(run, base=folder, teacher=teacher)


def test_only_what_changes_rows_changes_the_plan(experiment):
    plain = plan_of(experiment).fingerprint
    found = {how: plan_of(experiment, f"corpus.crossing={how}") for how in ("keep", "error")}
    assert {one.fingerprint for one in found.values()} == {plain}
    assert plan_of(experiment, "corpus.crossing=drop").fingerprint != plain
    assert "crossing" not in tiny.run().model_dump(mode="json")["corpus"]


def test_by_content_no_input_is_in_two_splits(table):
    assert table.card.counts.crossing_inputs == 0


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"views": 3}, True),
        ({"views": 0}, False),
        ({"views": 3, "crossing_inputs": 0}, False),
        ({"version": 1}, False),
    ],
)
def test_of_an_older_table_with_views_the_report_says_that_it_was_not_compared(counts, said):
    (*lines,) = crossing_lines(Report.model_construct(table=counts))
    assert bool(lines) is said
    assert all("the table is older than the rule" in line for line in lines)


def test_of_a_table_of_before_nothing_is_said():
    before = {"rows": 1, "distinct_inputs": 1, "teacher_calls": 1, "teacher_seconds": 0.0}
    counts = Counts(**before, truncated=0, resumed_shards=0, split_rows={"train": 1})
    assert (counts.crossing_inputs, counts.crossing_said) == (None, None)
    assert not [name for name in counts.model_dump() if "crossing" in name or "views_" in name]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=20))
def test_counts_are_those_of_a_plain_definition(pairs):
    names = ("train", "validation", "test", "aside")
    digests = input_digests([pa.array([text for text, _ in pairs], pa.string())])
    rows = pa.table({"input_digest": digests, "split": [names[place] for _, place in pairs]})
    rows = rows.cast(pa.schema([("input_digest", pa.binary()), ("split", pa.string())]))
    places = {text: {p for one, p in pairs if one == text and p < 3} for text, _ in pairs}
    expected = {}
    for found in places.values():
        if len(found) > 1:
            key = ", ".join(names[place] for place in sorted(found))
            expected[key] = expected.get(key, 0) + 1
    assert crossing_inputs(rows) == expected
    assert less_held_out(rows).to_pylist() == [
        place < max(places[text], default=place) for text, place in pairs
    ]
    assert summed([expected, expected]) == {key: 2 * count for key, count in expected.items()}


VIEWS = 'label.views={seed=1, augmenters=[{kind="own_views:first_two", count=1}, {kind="swap"}]}'
OWN = "def first_two(words, draw, around):\n    return words[:2]\n"
HELD = ["the cat", "my dog"]


@pytest.fixture
def held_out_views(experiment, monkeypatch):
    """Train texts whose first two words are a text of validation or of test."""
    (experiment / "own_views.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(experiment))
    rows = [
        *(("the cat is old", "train"), ("the cat is red", "train"), ("my dog is old", "train")),
        *(("one pear is red", "train"), ("the cat", "test"), ("my dog", "validation")),
    ]
    corpus = [{"text": text, "thing": "animal", "part": part} for text, part in rows]
    tiny.write_corpus(experiment / "corpus.jsonl", corpus)
    return experiment


@pytest.mark.parametrize(
    ("beam", "shards", "shuffle"),
    [
        ((), 4, None),
        ((), 16, 1),
        (WORKERS, 4, None),
        (("--direct_runner_bundle_repeat=1",), 4, None),
    ],
)
def test_a_view_that_is_a_held_out_input_is_left_out(held_out_views, beam, shards, shuffle):
    made = tiny.label(
        held_out_views,
        held_out_views / "labels",
        *(BY_COLUMN, VIEWS, f"label.num_shards={shards}"),
        beam=beam,
        max_shuffle_bytes=shuffle,
    )
    views = [row for row in tiny.rows_of(made) if row["view"]]
    assert [row["text"] for row in views if row["view"] == 1] == ["one pear"]
    assert len([row for row in views if row["view"] == 2]) == 4
    counts = made.card.counts
    assert (counts.views, counts.views_left_out, counts.rows) == (5, 3, 6)
    assert counts.teacher_calls - sum(counts.other_calls.values()) == counts.distinct_inputs
    assert counts.distinct_inputs == len({row["input_digest"] for row in tiny.rows_of(made)})
    verify(made)


def test_views_left_out_are_said_and_students_are_trained_on_the_others(held_out_views):
    done = label_command(VIEWS)
    assert "3 views left out, which are inputs of validation or test" in done.stderr
    assert "views                     5, 3 left out" in command("inspect", "labels").stdout
    sets = [part for one in (BY_COLUMN, VIEWS, "train.views_per_pass=1") for part in ("--set", one)]
    done = command("train", "run.toml", "--labels", "labels", "--out", "out", *sets)
    assert done.exit_code == 0, done.stderr


def test_digests_of_what_is_held_out_are_those_of_validation_and_test():
    digests = input_digests([pa.array(["a", "b", "c", "c"])])
    rows = pa.table({"input_digest": digests, "split": ["train", "test", "validation", "test"]})
    found = held_out_digests(
        rows.cast(pa.schema([("input_digest", pa.binary()), ("split", pa.string())]))
    )
    wanted = sorted(digests.to_pylist()[1:3])
    assert distinct_digests([found, found]) == b"".join(wanted)
    assert distinct_digests([]) == b""
    assert np.frombuffer(found, np.uint8).size == 32


def test_a_teacher_is_fitted_without_what_is_dropped(crossing, capsys):
    from stages.corpus.files import plan_corpus
    from stages.teach.pipeline import labelled_rows

    def rows(how):
        plan = plan_corpus(tiny.run(BY_COLUMN, f"corpus.crossing={how}"), base=Path.cwd())
        return {
            name: part.num_rows
            for name, part in labelled_rows(plan, once=False, tolerant=False).items()
        }

    assert rows("drop") == {"train": 2, "validation": 2, "test": 4}
    assert (
        f"teach: {SAID}; 6 of their rows are left out: each stays in test"
        in capsys.readouterr().err
    )
    assert rows("keep") == {"train": 6, "validation": 4, "test": 4}
    assert f"teach: {SAID}" in capsys.readouterr().err
    with pytest.raises(CorpusError, match="4 inputs are in several splits .*corpus.jsonl row 1"):
        rows("error")


def test_the_report_says_so(crossing):
    sets = [part for one in (BY_COLUMN,) for part in ("--set", one)]
    done = command("run", "run.toml", "--out", "out", *sets)
    assert done.exit_code == 0, done.stderr
    assert SAID in done.stdout.splitlines()
    page = Path("out/report/report.html").read_text()
    assert f"<h2>Inputs in several splits</h2><p>{SAID}</p>" in page
    report = json.loads(Path("out/report/report.json").read_text())
    assert report["table"]["crossing_splits"] == CROSSING


def test_a_mean_of_tables_counts_them_too(crossing):
    assert label_command().exit_code == 0
    shutil.copytree("labels", "other")
    sources = ("--from", "labels", "--from", "other", "--labels", "mean", "--set", BY_COLUMN)
    done = command("combine", "run.toml", *sources)
    assert done.exit_code == 0, done.stderr
    assert f"combine: {SAID}" in done.stderr
    assert f"inputs in several splits  {SAID}\n" in command("inspect", "mean").stdout
