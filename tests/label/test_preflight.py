"""A wrong teacher is found by one real row before the corpus is read; it is loaded once."""

import os
import sys

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import CorpusError, TeacherError, UserCodeError
from stages.asking.answer_sheet import AnswerSheet
from stages.corpus.sample import sample_rows
from stages.label.pipeline import label
from stages.label.planning.plan import Machinery, plan_label
from stages.label.planning.preflight import Question, ask_first, rows_to_judge
from stages.table.opening import open_table, table_exists
from stages.table.writing.shards import order_rows
from stages.teachers.places import find_teacher
from tests import tiny
from tests.label.test_pipeline import WORKERS_MAY_END_BADLY

OWN = "teacher={kind='module', callable='own_teacher:make', options={how='%s'}}"
TEACHER = """
import os
from pathlib import Path

import numpy as np

WORDS = {words!r}
LOG = Path({log!r})


def note(line):
    with LOG.open("a") as log:
        log.write(f"{{line}} {{os.getpid()}}\\n")


def make(how):
    note("loaded")
    if how == "unloadable":
        raise ImportError("no module named 'torsh'")

    def answer(texts):
        note(f"asked {{len(texts)}}")
        if how == "raises" or how in texts:
            raise RuntimeError("out of luck")
        found = np.zeros((len(texts), 3), np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                if word in WORDS:
                    found[row, WORDS[word]] += 4.0
        if how == "softmax":
            found = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
        if how == "nan":
            found = found + np.nan
        if how == "short":
            found = found[:-1]
        if how == "narrow":
            found = found[:, :2]
        return None if how == "none" else found

    return answer
"""


@pytest.fixture(autouse=True)
def _own_teacher(own_modules_and_cache):
    pass


def plan(folder, how, *overrides):
    words = {word: number for number, name in enumerate(tiny.CLASSES) for word in tiny._WORDS[name]}
    text = TEACHER.format(words=words, log=str(folder / "log"))
    (folder / "own_teacher.py").write_text(text)
    run = tiny.run(OWN % how, *overrides)
    return plan_label(run, base=folder, teacher=find_teacher(run, base=folder, fitted=folder))


def label_by(folder, how, *overrides, beam=()):
    return label(plan(folder, how, *overrides), labels=folder / "labels", machinery=Machinery(beam))


def log(folder):
    path = folder / "log"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("unloadable", "no module named 'torsh'"),
        ("raises", "makes it raise RuntimeError: out of luck"),
        ("softmax", "answers with probabilities"),
        ("nan", "has logits that are not finite"),
        ("short", "1 input was asked, 0 answers came back. Answer each input with one row."),
        ("narrow", r"another shape: found \[1, 2\], expected \[1, 3\]"),
        ("none", "makes it answer with something else: found 'None'"),
    ],
)
def test_a_wrong_teacher_is_found_before_the_corpus_is_read(experiment, how, said):
    with pytest.raises((TeacherError, UserCodeError), match=said):
        label_by(experiment, how)
    assert not list((experiment / "labels").glob("_staging/*/unit-*"))
    assert not table_exists(experiment / "labels")
    assert sum(int(line[1]) for line in log(experiment) if line[0] == "asked") <= 3


def test_a_wrong_row_is_found_before_the_teacher_is_loaded(experiment):
    rows = [*tiny.examples(20), {"text": "my cat", "thing": "animel"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    with pytest.raises(CorpusError, match="corpus.jsonl row 21 column 'thing': found 'animel'"):
        label_by(experiment, "right")
    assert log(experiment) == []


def test_the_teacher_is_loaded_once_and_every_call_is_counted(experiment, capsys):
    counts = label_by(experiment, "right").card.counts
    calls = [int(line[1]) for line in log(experiment) if line[0] == "asked"]
    assert [line[0] for line in log(experiment)].count("loaded") == 1
    assert counts.other_calls == {"preflight": 8}
    assert counts.teacher_calls == counts.distinct_inputs + 8 == sum(calls)
    said = capsys.readouterr().err
    assert f"{counts.teacher_calls} teacher calls in" in said
    assert "(of which 8 to check and time it first)" in said


def test_nobody_is_asked_first_whose_answers_the_table_has(experiment):
    label_by(experiment, "right")
    (experiment / "log").unlink()
    rows = [*tiny.examples(), {"text": "the small plum and the axe", "thing": "fruit"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    counts = label_by(experiment, "right").card.counts
    assert (counts.teacher_calls, counts.other_calls) == (1, {})


def test_a_row_that_may_be_left_out_does_not_end_the_run(experiment):
    corpus = plan(experiment, "right").corpus
    first = order_rows(sample_rows(corpus, tolerant=False), tiny.run().head)["text"][0].as_py()
    table = label_by(experiment, first, "label.max_quarantined=0.9")
    repeats = [row["text"] for row in tiny.examples()].count(first)
    assert table.card.counts.quarantined == repeats
    assert table.card.counts.other_calls["again"] > 0


def test_a_teacher_that_fails_on_every_row_is_given_up_at_once(experiment):
    with pytest.raises(UserCodeError, match="teacher fails on every input: 32 in a row"):
        label_by(experiment, "raises", "label.max_quarantined=0.9")
    assert not list((experiment / "labels").glob("_staging/*/unit-*"))


@WORKERS_MAY_END_BADLY
def test_where_workers_are_processes_another_process_asks_first(experiment):
    beam = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    label_by(experiment, "right", beam=beam)
    loads = [line[1] for line in log(experiment) if line[0] == "loaded"]
    assert loads[0] not in {str(os.getpid()), *loads[1:3]}
    assert open_table(experiment / "labels").card.counts.other_calls == {"preflight": 8}


def test_as_many_rows_are_asked_as_tell_probabilities_from_logits():
    heads = {
        kind: tiny.run(f"heads=[{{name='thing', kind='{kind}', classes=['a', 'b', 'c']}}]").head
        for kind in ("softmax", "sigmoid")
    }
    assert {kind: rows_to_judge(head) for kind, head in heads.items()} == {
        "softmax": 2,
        "sigmoid": 11,
    }


def test_a_first_row_that_fails_gives_no_time(experiment):
    made = plan(experiment, "right", "label.max_quarantined=0.9")
    rows = order_rows(sample_rows(made.corpus, tolerant=True), made.run.head).slice(0, 1)
    question = Question(rows, ("text",), made.run.label, made.run.head)
    assert ask_first(made.teacher, question).timed_calls == 5
    touchy = plan(experiment, "raises", "label.max_quarantined=0.9")
    found = ask_first(touchy.teacher, question)
    assert (found.calls, found.latency_seconds, found.timed_calls) == (1, None, 0)


@pytest.mark.parametrize(
    ("kind", "shape"), [("text", (81, 3)), ("text", (83, 3)), ("words", (81, 4, 3))]
)
def test_answers_that_are_too_few_or_too_many_are_counted(kind, shape):
    inputs = pa.table({"input": [["a"]] * 82 if kind == "words" else ["a"] * 82})
    more = ", per='token'" if kind == "words" else ""
    classes = "classes=['a', 'b', 'c']"
    features = ["corpus.feature_kinds={text='words'}"] if kind == "words" else []
    head = tiny.run(f"heads=[{{name='thing', {classes}{more}}}]", *features).head
    said = f"82 inputs were asked, {shape[0]} answers came back. Answer each input with one row."
    with pytest.raises(TeacherError, match=said):
        list(AnswerSheet(inputs, head=head).write(np.arange(82), np.ones(shape, np.float32)))


def test_an_augmenter_that_raises_is_found_before_the_teacher_is_asked(experiment):
    (experiment / "raising_views.py").write_text("def f(words, draw, around):\n    return 1 / 0\n")
    views = 'label.views={seed=1, augmenters=[{kind="raising_views:f"}]}'
    sys.path.insert(0, str(experiment))
    with pytest.raises(UserCodeError, match="raising_views:f: .*ZeroDivisionError"):
        label_by(experiment, "right", views)
    assert log(experiment) == []
