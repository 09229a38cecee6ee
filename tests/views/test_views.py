"""Views: made from content and seed only, train split only, each labelled as it is."""

import random
import sys

import numpy as np
import pytest

from schemas.errors import RunFileError, UserCodeError
from stages.inputs.find import input_digests
from stages.label.planning.plan import plan_label
from stages.table.opening import open_table
from stages.table.verify import verify
from stages.teachers.folder import open_teacher
from stages.views.augmenters import _OwnAugmenter, augmenter_names, find_augmenters
from stages.views.augmenters.around import Around
from stages.views.augmenters.swap import augment as swap
from tests import tiny

VIEWS = (
    "label.views={seed=7, augmenters=["
    '{kind="word_dropout", count=2, rate=0.3}, {kind="swap"}, {kind="crossover"}, '
    '{kind="replace", rate=0.5}, {kind="crossover+mask", rate=0.3, token="old"}]}'
)
COUNT = 6


@pytest.fixture(scope="module")
def viewed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    tiny.write_experiment(folder)
    return folder, tiny.label(folder, folder / "labels", VIEWS)


def made(rows):
    return [row for row in rows if row["view"]]


def test_every_train_input_has_every_view_and_no_other_split_has_any(viewed):
    rows = tiny.rows_of(viewed[1])
    parents = {row["input_digest"] for row in rows if row["split"] == "train" and not row["view"]}
    found = {(row["parent_digest"], row["view"]) for row in made(rows)}
    assert found == {(parent, view) for parent in parents for view in range(1, COUNT + 1)}
    assert len(found) == len(made(rows)) == viewed[1].card.counts.views
    assert {row["split"] for row in made(rows)} == {"train"}
    assert all(row["label_thing"] is None for row in made(rows))


def test_the_originals_are_those_of_a_table_without_views(viewed, table):
    rows = [row for row in tiny.rows_of(viewed[1]) if not row["view"]]
    assert rows == tiny.rows_of(table)


def test_a_view_is_answered_as_the_teacher_sees_it(viewed):
    import pyarrow as pa

    from stages.teachers.folder import open_teacher
    from stages.teachers.keras import KerasTeacher

    folder, table = viewed
    rows = made(tiny.rows_of(table))
    texts = [row["text"] for row in rows]
    digests = input_digests([pa.array(texts)]).to_pylist()
    assert digests == [row["input_digest"] for row in rows]
    teacher = KerasTeacher(open_teacher(folder / "teacher", classes=tiny.CLASSES))
    expected = teacher.logits(teacher.encode(pa.table({"text": texts})), np.arange(len(texts)))
    np.testing.assert_allclose([row["teacher_thing"] for row in rows], expected, rtol=1e-3)


def test_views_do_not_depend_on_the_order_of_the_corpus(viewed, experiment):
    rows = tiny.examples()
    random.Random(3).shuffle(rows)
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    other = tiny.label(experiment, experiment / "labels", VIEWS)
    key = ("input_digest", "parent_digest", "view", "teacher_thing")
    assert [[row[name] for name in key] for row in tiny.rows_of(other)] == [
        [row[name] for name in key] for row in tiny.rows_of(viewed[1])
    ]


def test_another_seed_gives_other_views(viewed, experiment):
    other = tiny.label(experiment, experiment / "labels", VIEWS.replace("seed=7", "seed=8"))
    texts = [[row["text"] for row in made(tiny.rows_of(one))] for one in (viewed[1], other)]
    assert texts[0] != texts[1]


def test_a_crossover_joins_examples_of_the_train_split(viewed):
    rows = tiny.rows_of(viewed[1])
    train = [row["text"].split() for row in rows if row["split"] == "train" and not row["view"]]
    parents = {row["input_digest"]: row["text"].split() for row in rows if not row["view"]}
    for row in (row for row in rows if row["view"] == 4):
        words, parent = row["text"].split(), parents[row["parent_digest"]]
        assert any(
            words[:cut] == parent[:cut]
            and any(words[cut:] == other[-(len(words) - cut) :] for other in train)
            for cut in range(1, len(words))
        )


def test_verify_accepts_views(viewed):
    table = open_table(viewed[0] / "labels")
    assert verify(table).rows == table.card.counts.rows + table.card.counts.views


def test_a_grown_corpus_asks_for_new_views_only(viewed, tmp_path):
    import shutil

    folder = tmp_path / "grown"
    shutil.copytree(viewed[0], folder)
    same = tiny.label(folder, folder / "labels", VIEWS, "label.num_shards=4")
    assert same.version == 0
    rows = [*tiny.examples(), {"text": "a brand new question", "thing": "tool"}]
    tiny.write_corpus(folder / "corpus.jsonl", rows)
    counts = tiny.label(folder, folder / "labels", VIEWS).card.counts
    assert 1 <= counts.teacher_calls <= 0.2 * counts.distinct_inputs
    assert counts.teacher_calls + counts.reused_inputs == counts.distinct_inputs


def around(words=("other", "words", "here")):
    return Around(rate=0.5, token="[MASK]", other=lambda: list(words))


@pytest.mark.parametrize("kind", augmenter_names())
@pytest.mark.parametrize("words", [["one"], ["one", "two", "three", "four", "five"]])
def test_every_augmenter_leaves_words_and_its_argument_alone(kind, words):
    for seed in range(50):
        given = list(words)
        (augment,) = find_augmenters(kind)
        found = augment(given, random.Random(seed).random, around())
        assert found and all(found)
        assert given == words


def test_what_each_augmenter_does():
    words, draws = ["a", "b", "c", "d"], [0.9, 0.1, 0.9, 0.1, 0.6, 0.3, 0.9]

    def apply(kind):
        source = iter(draws)
        (augment,) = find_augmenters(kind)
        return augment(words, lambda: next(source), around())

    assert apply("word_dropout") == ["a", "c"]
    assert apply("mask") == ["a", "[MASK]", "c", "[MASK]"]
    assert apply("swap") == ["b", "a", "d", "c"]
    assert apply("crossover") == ["a", "b", "c", "d", "other", "words", "here"]
    assert apply("replace") == ["a", "here", "words", "here"]


def test_an_own_augmenter_is_found_and_an_unknown_one_is_refused(monkeypatch):
    (own,) = find_augmenters("stages.views.augmenters.swap:augment")
    assert own.augment.__wrapped__ is swap
    assert len(find_augmenters("swap + mask")) == 2
    with pytest.raises(RunFileError, match="unknown augmenter: 'swop'.* Use one of word_dropout"):
        find_augmenters("swop")


@pytest.mark.parametrize("word", ["\ud800", "a\0b"])
def test_a_word_that_no_table_holds_is_refused(word):
    own = _OwnAugmenter("own:f", lambda words, draw, around: [*words, word])
    with pytest.raises(
        UserCodeError, match=r"own:f: found the word .*, expected UTF-8 text"
    ) as one:
        own(["a"], lambda: 0.5, None)
    assert ascii(word) in str(one.value)


def test_an_answer_whose_making_ends_the_program_is_stated():
    def made(words, draw, around):
        yield "a"
        raise GeneratorExit("x")

    with pytest.raises(UserCodeError, match="GeneratorExit: x"):
        _OwnAugmenter("own:f", made)(["a"], lambda: 0.5, None)


def test_a_changed_augmenter_of_ones_own_is_another_table(experiment, monkeypatch):
    monkeypatch.chdir(experiment)
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = experiment / "own_augmenter.py"
    views = 'label.views={seed=1, augmenters=[{kind="own_augmenter:f + swap"}]}'

    def planned(*overrides):
        run = tiny.run(*overrides)
        teacher = open_teacher(experiment / "teacher", classes=run.head.classes)
        return plan_label(run, base=experiment, teacher=teacher)

    found = []
    for word in ("one", "two"):
        code.write_text(f"def f(words, draw, around):\n    return [*words, '{word}']\n")
        found.append(planned(views))
    assert len({plan.fingerprint for plan in found}) == len({plan.work for plan in found}) == 2
    assert planned(views).fingerprint == found[1].fingerprint
    with pytest.raises(RunFileError, match="unknown augmenter: 'own_augmenter:g'"):
        planned(views.replace(":f", ":g"))
    sys.modules.pop("own_augmenter", None)
