"""Questions from corpus to report: a fine-tuned teacher, long contexts, a student that learns."""

import numpy as np
import pyarrow as pa
import pytest

from stages.asking.recheck import Tolerance, recheck
from stages.evaluate.html import render
from stages.evaluate.pipeline import evaluate
from stages.evaluate.text import results_text
from stages.heads.scores.fitted import PointerCrossEntropy
from stages.inputs.cutting import cut_words
from stages.rows.pointers import best_spans, separators
from stages.rows.row_logits import RowLogits
from stages.run.experiment import target_reached
from stages.teach.pipeline import plan_teach, teach
from stages.teachers.folder import read_card
from stages.teachers.load import load_teacher
from stages.teachers.parts.windows import Windowed
from stages.teachers.places import find_teacher
from stages.train.pipeline import read_student_card, train
from tests import tiny, tiny_questions
from tests.tiny_berts import write_hugging_face


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    tiny_questions.write(folder)
    return folder, tiny_questions.label(folder)


def test_a_student_learns_to_point_and_is_scored(labelled):
    folder, table = labelled
    run = tiny_questions.run("train.epochs=25", "train.learning_rate=2e-2", "train.baseline=false")
    plans = train(run, table, out=folder)
    best = max(one["val_overlap_f1"] for one in read_student_card(plans[0].path).epochs)
    assert best > 0.6
    report = evaluate(run, table, plans, out=folder)
    assert report.teacher.scores.exact_match == 1.0
    scores = report.models[0].scores
    assert scores.answer_f1 > 0.5
    assert scores.agreement == pytest.approx(scores.exact_match)
    assert [model.cut for model in report.models] == [0]
    head = results_text(report).splitlines()[1]
    assert head.split()[:3] == ["model", "F1", "EM"]
    assert "validation overlap_f1" in render(report)  # what training measures of an answer


def test_the_figure_of_validation_is_that_of_the_report(labelled, tmp_path):
    _, table = labelled
    target = "target={metric='overlap_f1', at_least=0.01}"
    run = tiny_questions.run("train.baseline=false", "evaluate.split=validation", target)
    plans = train(run, table, out=tmp_path)
    assert target_reached(run, plans)
    scores = evaluate(run, table, plans, out=tmp_path).models[0].scores
    best = max(one["val_overlap_f1"] for one in read_student_card(plans[0].path).epochs)
    assert scores.overlap_f1 == pytest.approx(best, abs=1e-6)


def test_its_teacher_says_the_same_again(labelled):
    folder, table = labelled
    run = tiny_questions.run()
    teacher = load_teacher(find_teacher(run, base=folder, fitted=folder))
    found = recheck(table, teacher, how=run.label, tolerance=Tolerance())
    assert (found.kl_nats, found.flip_rate) == (0.0, 0.0)


def test_a_long_context_is_seen_through_windows_that_all_have_the_question():
    """What is far from the question is found, and said to be nowhere only where it is in none."""
    filler = "and so on , " * 12
    found = {"text": "cat", "answer_start": len(f"the {filler}")}
    far = {"context": f"the {filler}cat sat {filler}", "qas": [_asked("far", [found])]}
    nowhere = {"context": f"the {filler}dog sat {filler}", "qas": [_asked("nowhere", [])]}
    whole = Windowed(_Points(), stride=4, asks=True)
    lists = [_words(far), _words(nowhere)]
    encoded = whole.encode(pa.table({"words": pa.array(lists)}))
    assert (np.diff(encoded.windows) > 2).all()
    logits = whole.logits(encoded, np.arange(2))
    offsets = np.cumsum([0, *map(len, lists)])
    values = np.concatenate([logits[row, : len(words)] for row, words in enumerate(lists)])
    assert not np.isnan(values).any()
    answers = RowLogits(values, offsets)
    spans = best_spans(answers, separators(pa.array(lists)))
    assert spans[1].tolist() == [-1, -1]
    assert lists[0][spans[0][0]].strip() == "cat"


def _asked(name, answers):
    return {"id": name, "question": "one animal", "answers": answers}


def _words(paragraph):
    question = [word for _, word in cut_words(paragraph["qas"][0]["question"])]
    return [*question, "[SEP]", *(word for _, word in cut_words(paragraph["context"]))]


class _Points:
    """A teacher of twenty words at once that points to `cat`, or else to `[SEP]`."""

    max_pieces = 20
    parallel_calls = 1

    def word_pieces(self, inputs):
        return np.ones(len(pa.chunked_array(inputs.column(0)).combine_chunks().flatten()), np.int64)

    def encode(self, inputs):
        lists = inputs.column(0).to_pylist()
        assert all(words[:3] == ["one ", "animal", "[SEP]"] for words in lists)
        assert max(map(len, lists)) <= self.max_pieces
        return _Encoded(lists)

    def logits(self, encoded, rows):
        lists = [encoded.lists[row] for row in rows]
        longest = max(map(len, lists))
        found = np.full((len(lists), longest, 2), -3, np.float32)
        for row, words in enumerate(lists):
            stripped = [word.strip() for word in words]
            place = stripped.index("cat") if "cat" in stripped else stripped.index("[SEP]")
            found[row, place] = 3
            found[row, len(words) :] = np.nan
        return found


class _Encoded:
    def __init__(self, lists):
        self.lists = lists
        self.lengths = np.array([len(words) for words in lists], np.int32)


def test_a_teacher_is_fine_tuned_to_point(tmp_path):
    write_hugging_face(tmp_path / "bert")
    tiny_questions.write(tmp_path, [_one_noun(number) for number in range(60)])
    run = tiny_questions.run(
        'teacher={encoder={path="bert"}, max_length=32, fit={seed=1, epochs=15, dropout=0, '
        "learning_rate=2e-2, batch_size=8, patience_epochs=15}}",
        "label.num_shards=1",
    )
    teach(plan_teach(run, base=tmp_path), out=tmp_path / "made")
    assert read_card(tmp_path / "made").scores["test"].exact_match > 0.9
    table = tiny.label_run(tmp_path, run)
    assert table.card.quality.splits["validation"].answer_f1 > 0.9


def _one_noun(number):
    noun = sum(tiny._WORDS.values(), [])[number % 12]
    context = f"{' '.join(tiny._FILLERS[: number % 5])} {noun} the red".strip()
    answer = {"text": noun, "answer_start": context.index(noun)}
    return {"context": context, "qas": [_asked(f"n{number}", [answer])]}


def test_the_loss_of_a_fit_is_the_cross_entropy_over_what_may_be_pointed_to():
    labels = np.array([[[-1, -1], [0, 1], [1, 0], [0, 0]], [[-1, -1]] * 4], np.float32)
    logits = np.random.default_rng(1).normal(0, 2, (2, 4, 2)).astype(np.float32)
    own = logits[0, 1:].astype(np.float64)
    log_probs = own - np.logaddexp.reduce(own, axis=0)
    expected = -(log_probs[1, 0] + log_probs[0, 1]) / 2
    assert float(PointerCrossEntropy()(labels, logits)) == pytest.approx(expected, rel=1e-5)
