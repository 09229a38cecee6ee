"""Hard labels that are several classes, or a number: read, refused, kept, and measured."""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import (
    CorpusError,
    QualityError,
    RunFileError,
    TeacherDriftError,
    TeacherError,
)
from schemas.provenance import fingerprint, sha256_file
from schemas.scores import LabelScores, ValueScores
from stages.asking.recheck import Tolerance, recheck
from stages.corpus.files import plan_corpus
from stages.heads import head_kind
from stages.heads.labels import labels_by_line
from stages.run.inspect import inspect_folder
from stages.table.opening import table_exists
from stages.table.verify import verify
from stages.table.writing.quarantine import quarantine_path
from stages.teachers.load import load_teacher
from stages.teachers.places import find_teacher
from tests import tiny, tiny_kinds
from tests.tiny_kinds import OF_LABELS, OF_VALUES

TOLERANT = "label.max_quarantined=20"


def labelled(folder, kind, rows, *overrides):
    """Return the labels by text, and what was refused, of a corpus in JSON lines."""
    tiny_kinds.write(folder, rows)
    table = tiny.label_run(folder, tiny_kinds.run(kind, TOLERANT, *overrides))
    head = table.card.head
    kept = {row["text"]: row[head.label_column] for row in tiny.rows_of(table)}
    path = quarantine_path(table.path, table.card.plan_fingerprint)
    refused = pq.read_table(path).to_pylist() if path.exists() else []
    return table, kept, {row["source_row"]: row["error"] for row in refused}


def test_several_classes_are_kept_in_the_order_of_the_head(experiment):
    rows = [
        {"text": "cat saw", "thing": ["tool", "animal", "tool"]},
        {"text": "the", "thing": []},
        {"text": "pear", "thing": None},
        {"text": "plum", "thing": ["frut"]},
        {"text": "fig", "thing": ["fruit", None]},
        {"text": "dog"},
    ]
    table, kept, refused = labelled(experiment, OF_LABELS, rows)
    assert kept == {"cat saw": ["animal", "tool"], "the": [], "pear": None, "dog": None}
    assert list(refused) == [4, 5]
    assert "unknown class" in refused[4]
    assert "Did you mean 'fruit'?" in refused[4]
    assert table.card.layout.file_schema.field("label_thing").type == pa.list_(pa.string())


def test_words_of_text_are_classes_too(experiment):
    rows = [{"text": "cat saw", "thing": "tool animal"}, {"text": "the", "thing": ""}]
    _, kept, refused = labelled(experiment, OF_LABELS, rows)
    assert kept == {"cat saw": ["animal", "tool"], "the": None}
    assert refused == {}


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, None],
        [True, False, None],
        [1.0, 0.0, None],
        ["True", "false", ""],
        ["animal", "0", None],
    ],
)
def test_one_class_alone_may_be_a_flag(experiment, values):
    one = 'heads=[{name="thing", kind="sigmoid", classes=["animal"]}]'
    teacher = 'teacher={kind="module", callable="tests.tiny_kinds:of_animals"}'
    texts = ["cat", "saw", "plum"]
    rows = [{"text": t, "thing": v} for t, v in zip(texts, values, strict=True)]
    _, kept, _ = labelled(experiment, (one, teacher), rows)
    assert kept == {"cat": ["animal"], "saw": [], "plum": None}
    rows[1]["thing"] = 3
    _, kept, refused = labelled(experiment, (one, teacher), rows)
    assert set(kept) == {"cat", "plum"}
    assert "found '3', expected one of animal, or 0 or 1." in refused[2]


def test_flags_may_be_a_column_of_numbers(experiment):
    one = 'heads=[{name="thing", kind="sigmoid", classes=["animal"]}]'
    teacher = 'teacher={kind="module", callable="tests.tiny_kinds:of_animals"}'
    for flags in ([1.0, 0.0, None, 2.0], [True, False, None, None]):
        rows = pa.table({"text": ["cat", "saw", "plum", "fig"], "thing": flags})
        pq.write_table(rows, experiment / "c.parquet")
        stated = (one, teacher, "corpus.format=parquet", 'corpus.files=[{path="c.parquet"}]')
        how = tiny_kinds.run(stated, TOLERANT)
        kept = {
            row["text"]: row["label_thing"] for row in tiny.rows_of(tiny.label_run(experiment, how))
        }
        assert kept == {"cat": ["animal"], "saw": [], "plum": None} | kept
        assert ("fig" in kept) == (flags[3] is None)
    with pytest.raises(CorpusError, match="no label: .*found 2, expected 0 or 1"):
        rows = pa.table({"text": ["fig"], "thing": [2.0]})
        pq.write_table(rows, experiment / "c.parquet")
        tiny.label_run(experiment, tiny_kinds.run(stated))


def test_numbers_are_kept_and_what_is_none_is_refused(experiment):
    rows = [
        {"text": "cat", "score": "2.5"},
        {"text": "saw", "score": " "},
        {"text": "plum", "score": "high"},
        {"text": "fig", "score": "inf"},
        {"text": "dog", "score": "-1e3"},
    ]
    table, kept, refused = labelled(experiment, OF_VALUES, rows)
    assert kept == {"cat": 2.5, "saw": None, "dog": -1000.0}
    assert list(refused) == [3, 4]
    assert refused[3].startswith("no number")
    assert "found 'high', expected a number that float32 holds" in refused[3]
    assert table.card.layout.file_schema.field("label_score").type == pa.float64()
    with pytest.raises(CorpusError, match=r"no number: .*row 3.*found 'high'"):
        tiny.label_run(experiment, tiny_kinds.run(OF_VALUES), "other")


def test_numbers_may_be_whole_or_missing_in_parquet(experiment):
    rows = pa.table({"text": ["cat", "saw", "plum"], "score": pa.array([1, None, 3], pa.int32())})
    pq.write_table(rows, experiment / "c.parquet")
    how = tiny_kinds.run(OF_VALUES, "corpus.format=parquet", 'corpus.files=[{path="c.parquet"}]')
    table = tiny.label_run(experiment, how)
    rows = pa.Table.from_pylist(tiny.rows_of(table))
    labels = dict(
        zip(rows["text"].to_pylist(), labels_by_line(rows, table.card.layout), strict=True)
    )
    assert labels["cat"] == [1.0]
    assert labels["plum"] == [3.0]
    assert math.isnan(labels["saw"][0])


@pytest.mark.parametrize(("kind", "scores"), [(OF_LABELS, LabelScores), (OF_VALUES, ValueScores)])
def test_the_teacher_is_measured_reused_and_verified(experiment, kind, scores):
    tiny_kinds.write(experiment)
    table = tiny.label_run(experiment, tiny_kinds.run(kind))
    quality = table.card.quality
    assert set(quality.splits) == {"validation", "test"}
    assert all(isinstance(found, scores) for found in quality.splits.values())
    assert all(found.figures[found.headline] > 0.999 for found in quality.splits.values())
    assert quality.noise_candidates == ()
    text = inspect_folder(experiment / "labels", as_json=False)
    assert ("F1 micro 1.0000" if scores is LabelScores else "Pearson 1.0000") in text
    assert verify(table).rows == table.card.counts.rows
    before = labels_of(table)
    other = [row for row in tiny_kinds.examples() if row["text"] != "cat"]
    tiny_kinds.write(experiment, other[::-1])
    again = tiny.label_run(experiment, tiny_kinds.run(kind))
    assert again.card.counts.teacher_calls == 0
    assert labels_of(again) == {text: label for text, label in before.items() if text != "cat"}


def labels_of(table):
    name = table.card.head.label_column
    return {
        row["text"]: (row[name], row[table.card.head.teacher_column]) for row in tiny.rows_of(table)
    }


def test_repeats_are_equal_in_text_and_label(experiment):
    rows = [
        {"text": "cat saw", "thing": ["tool", "animal"]},
        {"text": "cat saw", "thing": ["animal", "tool"]},
        {"text": "cat saw", "thing": ["animal"]},
        {"text": "cat saw", "thing": None},
        {"text": "cat saw", "thing": []},
    ]
    table, _, _ = labelled(experiment, OF_LABELS, rows)
    from stages.rows.columns import repeats

    [shard] = table.shards
    found = table.read(shard.split, ["input_digest", "label_thing"])
    assert repeats(found, "label_thing").sum() == 1


def test_a_teacher_that_is_not_good_enough_commits_nothing(experiment):
    rows = [{**row, "score": -row["score"]} for row in tiny_kinds.examples()]
    tiny_kinds.write(experiment, rows)
    with pytest.raises(QualityError, match=r"pearson on validation: found -1\.0000"):
        tiny.label_run(experiment, tiny_kinds.run(OF_VALUES, "label.min_teacher_pearson=0.5"))
    assert not table_exists(experiment / "labels")


def test_a_column_of_answers_may_be_numbers(experiment):
    rows = [{**row, "said": row["score"] / 2} for row in tiny_kinds.examples()]
    tiny_kinds.write(experiment, rows)
    kind = (*OF_VALUES, 'teacher={kind="column", column="said"}')
    table = tiny.label_run(experiment, tiny_kinds.run(kind, "label.precision=float32"))
    for row in tiny.rows_of(table):
        assert row["teacher_score"] == [np.float32(row["label_score"] / 2)]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ((*OF_VALUES, "train.loss=kl"), "train.loss of a regression head is one of squared_error"),
        (
            (*OF_LABELS, "train.loss=dist"),
            "train.loss of a sigmoid head is one of kl, squared_error",
        ),
        (("train.loss=squared_error",), "train.loss of a softmax head is one of kl, "),
        ((*OF_LABELS, "label.precision=auto"), '`top_k` and `precision = "auto"` are for softmax'),
        ((*OF_LABELS, "label.top_k=2"), '`top_k` and `precision = "auto"` are for softmax'),
        ((*OF_LABELS, "train.example_weight=certainty"), "train.example_weight is for softmax"),
        ((*OF_LABELS, "train.label_smoothing=0.1"), "train.label_smoothing is for softmax"),
        ((*OF_LABELS, "train.standardize_logits=true"), "train.standardize_logits is for softmax"),
        ((*OF_VALUES, "label.min_teacher_accuracy=0.5"), "min_teacher_accuracy is not measured"),
        ((*OF_VALUES, 'target={metric="accuracy", at_least=0.5}'), "target.metric of a regression"),
        ((*OF_VALUES, "teacher.answers=probabilities"), "is for softmax and sigmoid heads per"),
        (
            (
                *OF_LABELS,
                'corpus.unlabelled=[{format="jsonl", files=[{path="x"}], min_confidence=0.5}]',
            ),
            "`min_confidence` is for softmax heads",
        ),
        (('heads=[{name="x", classes=["a"]}]',), "a softmax head has two classes or more"),
        (('heads=[{name="x", kind="regression", classes=["a", "b"]}]',), "head is one number"),
        (('heads=[{name="x", kind="sigmoid", per="token", classes=["a"]}]',), "is per example"),
    ],
)
def test_what_does_not_go_with_a_kind_is_said(stated, said):
    with pytest.raises(RunFileError, match="run file") as caught:
        tiny.run(*stated)
    assert said in str(caught.value), json.dumps(str(caught.value))


def test_probabilities_of_labels_become_log_odds_and_are_never_taken_for_logits(experiment):
    tiny_kinds.write(experiment)
    likely = 'teacher={kind="module", callable="tests.tiny_kinds:of_probabilities"}'
    with pytest.raises(TeacherError, match=r"answers with probabilities: .*all within \[0, 1\]"):
        tiny.label_run(experiment, tiny_kinds.run((*OF_LABELS, likely)))
    stated = (*OF_LABELS, likely, "teacher.answers=probabilities", "label.precision=float32")
    found, logits = (
        tiny.label_run(experiment, tiny_kinds.run(kind, "label.precision=float32"), name)
        for kind, name in ((stated, "likely"), (OF_LABELS, "logits"))
    )
    for one, other in zip(tiny.rows_of(found), tiny.rows_of(logits), strict=True):
        assert one["teacher_thing"] == pytest.approx(other["teacher_thing"], abs=1e-4)
    with pytest.raises(TeacherError, match=r"no probabilities: .*expected numbers in \[0, 1\]\. "):
        tiny.label_run(
            experiment, tiny_kinds.run((*OF_LABELS, "teacher.answers=probabilities")), "wrong"
        )


def test_a_column_of_probabilities_is_looked_at(experiment):
    rows = [
        {**row, "said": [0.9 if name in row["thing"] else 0.25 for name in tiny.CLASSES]}
        for row in tiny_kinds.examples()
    ]
    tiny_kinds.write(experiment, rows)
    kind = (*OF_LABELS, 'teacher={kind="column", column="said"}', "label.precision=float32")
    for row in tiny.rows_of(tiny.label_run(experiment, tiny_kinds.run(kind))):
        expected = [
            np.log(9) if name in row["label_thing"] else -np.log(3) for name in tiny.CLASSES
        ]
        assert row["teacher_thing"] == pytest.approx(expected, rel=1e-5)
    rows[7]["said"] = [0.5, 1.5, 0.25]
    tiny_kinds.write(experiment, rows)
    with pytest.raises(CorpusError, match=r"no probabilities: .*row 8.*found \[0.5, 1.5, 0.25\]"):
        tiny.label_run(
            experiment, tiny_kinds.run((*kind, "teacher.answers=probabilities")), "other"
        )


def test_certain_answers_stay_finite_and_on_their_side():
    found = head_kind("sigmoid").logits_of_probabilities(np.array([[0.0, 1.0, 0.5]], np.float32))
    assert np.isfinite(found).all()
    assert found[0, 0] < -80
    assert found[0, 1] > 16
    assert found[0, 2] == 0
    for kind in ("softmax", "sigmoid"):
        rows = np.array([[0.1, np.nan]], np.float32)
        assert not head_kind(kind).rows_of_probabilities(rows).any()


def test_a_cell_of_text_may_be_a_json_list(experiment):
    classes = 'heads=[{name="thing", kind="sigmoid", classes=["animal", "fruit", "New York"]}]'
    teacher = 'teacher={kind="module", callable="tests.tiny_kinds:of_labels"}'
    lines = ["text,thing", 'cat,"[""New York"", ""animal""]"', "the,[]", "pear,", "plum,fruit"]
    (experiment / "c.csv").write_text("\n".join(lines) + "\n")
    stated = (classes, teacher, "corpus.format=csv", 'corpus.files=[{path="c.csv"}]')
    table = tiny.label_run(experiment, tiny_kinds.run(stated))
    kept = {row["text"]: row["label_thing"] for row in tiny.rows_of(table)}
    assert kept == {"cat": ["animal", "New York"], "the": [], "pear": None, "plum": ["fruit"]}


@pytest.mark.parametrize("cell", ["[" * 100_000, "[1" + "0" * 400 + "]"], ids=["deep", "large"])
def test_a_cell_that_no_parser_takes_costs_its_row_only(experiment, cell):
    lines = ["text,score,said", *(f"cat {number},1.0,[{number}]" for number in range(20))]
    (experiment / "c.csv").write_text("\n".join([*lines, f"pear,2.0,{cell.replace(',', '')}"]))
    stated = ("corpus.format=csv", 'corpus.files=[{path="c.csv"}]', "label.max_quarantined=1")
    kind = (*OF_VALUES, 'teacher={kind="column", column="said"}')
    table = tiny.label_run(experiment, tiny_kinds.run(kind, *stated))
    assert (table.card.counts.rows, table.card.counts.quarantined) == (20, 1)


def test_a_label_that_no_parser_takes_is_none_of_the_classes(experiment):
    classes = 'heads=[{name="thing", kind="sigmoid", classes=["animal", "fruit", "New York"]}]'
    teacher = 'teacher={kind="module", callable="tests.tiny_kinds:of_labels"}'
    (experiment / "c.csv").write_text(f"text,thing\ncat,animal\npear,{'[' * 100_000}\n")
    stated = (classes, teacher, "corpus.format=csv", 'corpus.files=[{path="c.csv"}]')
    table = tiny.label_run(experiment, tiny_kinds.run((*stated, "label.max_quarantined=1")))
    assert [row["text"] for row in tiny.rows_of(table)] == ["cat"]
    assert table.card.counts.quarantined == 1


def test_numbers_that_float32_cannot_hold_are_refused_and_nan_is_none(experiment):
    scores = [1.5, 1e39, float("nan"), None, float("-inf")]
    rows = pa.table({"text": ["cat", "saw", "plum", "fig", "dog"], "score": scores})
    pq.write_table(rows, experiment / "c.parquet")
    stated = ("corpus.format=parquet", 'corpus.files=[{path="c.parquet"}]', TOLERANT)
    table = tiny.label_run(experiment, tiny_kinds.run(OF_VALUES, *stated))
    kept = {row["text"]: row["label_score"] for row in tiny.rows_of(table)}
    assert kept == {"cat": 1.5, "plum": None, "fig": None}


@pytest.mark.parametrize("text", ["1_000", "b", "0x1", "1e999"])
def test_what_only_python_calls_a_number_is_refused(experiment, text):
    (experiment / "c.csv").write_text(f"text,score\ncat,{text}\n")
    stated = ("corpus.format=csv", 'corpus.files=[{path="c.csv"}]')
    with pytest.raises(CorpusError, match=f"no number: .*found '{text}', expected a number"):
        tiny.label_run(experiment, tiny_kinds.run(OF_VALUES, *stated))


def test_numbers_are_kept_whole_unless_a_precision_is_stated(experiment):
    assert tiny_kinds.run(OF_VALUES).label.precision == "float32"
    assert tiny_kinds.run(OF_VALUES, "label.precision=bfloat16").label.precision == "bfloat16"
    assert tiny_kinds.run(OF_LABELS).label.precision == "float16"


def test_one_number_a_text_needs_no_second_axis(experiment):
    tiny_kinds.write(experiment)
    flat = 'teacher={kind="module", callable="tests.tiny_kinds:of_flat_values"}'
    table = tiny.label_run(experiment, tiny_kinds.run((*OF_VALUES, flat)))
    assert table.card.quality.splits["test"].r2 == pytest.approx(1.0)


@pytest.mark.parametrize("kind", [OF_LABELS, OF_VALUES])
def test_a_teacher_that_says_something_else_now_is_found(experiment, kind):
    tiny_kinds.write(experiment)
    run = tiny_kinds.run(kind)
    table = tiny.label_run(experiment, run)
    teacher = load_teacher(find_teacher(run, base=experiment, fitted=experiment))
    recheck(table, teacher, how=run.label, tolerance=Tolerance())
    said = teacher.answer
    object.__setattr__(teacher, "answer", lambda texts: said(texts) + 9)
    with pytest.raises(TeacherDriftError, match="with another answer"):
        recheck(table, teacher, how=run.label, tolerance=Tolerance())


def test_probabilities_are_found_however_small_the_batches_are(experiment):
    tiny_kinds.write(experiment)
    likely = 'teacher={kind="module", callable="tests.tiny_kinds:of_probabilities"}'
    run = tiny_kinds.run((*OF_LABELS, likely), "label.batch_tokens=1")
    with pytest.raises(TeacherError, match="answers with probabilities"):
        tiny.label_run(experiment, run)
    stated = tiny_kinds.run((*OF_LABELS, likely, "teacher.answers=logits"))
    table = tiny.label_run(experiment, stated)
    values = [one for row in tiny.rows_of(table) for one in row["teacher_thing"]]
    assert min(values) >= 0 and max(values) <= 1


def test_a_head_says_nothing_new_of_a_corpus_that_states_nothing_new(experiment):
    plain = tiny.run()
    digest = plan_corpus(plain, base=experiment).digest
    known = plain.head.model_dump(mode="json")
    assert known.pop("out_of_scope") is None
    stated = 'heads=[{name="thing", out_of_scope="no", classes=["animal", "fruit", "tool"]}]'
    assert plan_corpus(tiny.run(stated), base=experiment).digest != digest
    how = plain.corpus.model_dump(mode="json", exclude={"files", "repeats"})
    files = [["corpus.jsonl", sha256_file(experiment / "corpus.jsonl")]]
    assert digest == fingerprint({"files": files, "how": how, "head": known})


def test_a_label_like_that_out_of_scope_is_hinted_at(experiment):
    stated = 'heads=[{name="thing", out_of_scope="none", classes=["animal", "fruit", "tool"]}]'
    tiny.write_corpus(experiment / "corpus.jsonl", [{"text": "a", "thing": "nona"}])
    with pytest.raises(CorpusError, match="Did you mean 'none'"):
        tiny.label(experiment, experiment / "labels", stated)
