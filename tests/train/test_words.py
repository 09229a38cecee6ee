"""Students of words: their own pieces, masks that change nothing, and a run from end to end."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.errors import RunFileError, StudentError
from schemas.train_section import Student
from stages.evaluate.html import render
from stages.evaluate.predict import StudentPredictor
from stages.evaluate.text import results_text
from stages.heads.metrics.spans import span_scores
from stages.heads.scores.spans import SpanScores
from stages.inputs.wordpiece import Wordpiece
from stages.run.experiment import evaluate_step
from stages.train.objective import Objective
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from stages.train.stream.stream import SoftLabelStream
from stages.train.stream.words import word_inputs
from stages.train.students import build_student
from tests import tiny, tiny_words

KINDS = {
    "lstm": "{embedding_width=8, units=8, dropout=0.0}",
    "bert": "{layers=1, hidden_width=8, inner_width=8, max_length=16, dropout=0.0}",
    "mobilebert": "{layers=1, hidden_width=16, bottleneck_width=8, embedding_width=8, "
    "inner_width=8, heads=2, feed_forwards=1, max_length=16, dropout=0.0}",
}
WORDPIECE = Wordpiece(tiny.VOCABULARY, lowercase=True, max_length=8)
lists_of_words = st.lists(
    st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6), min_size=1, max_size=4
)


def student(kind, **more):
    name = f'name="{kind}", kind="{kind}", options={KINDS.get(kind, "{}")}'
    return f"train.students=[{{{name}}}]"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_words.write_corpus(tmp_path, tiny_words.examples(120))
    return tmp_path


@given(lists_of_words)
@example([["cat", "[SEP]", "a", "[SEP]"], ["[SEP]"]])
@settings(max_examples=60)
def test_each_word_is_found_at_its_first_piece_whatever_it_says(lists):
    words = tf.ragged.constant(lists, ragged_rank=1, dtype=tf.string)
    found = {name: value.numpy() for name, value in word_inputs(WORDPIECE, words).items()}
    for row, own in enumerate(lists):
        place = 1
        for number, word in enumerate(own):
            pieces = WORDPIECE.pieces(tf.constant([word])).flat_values.numpy().tolist()
            pieces = [WORDPIECE.end_id] if word == "[SEP]" else pieces
            first = found["first_pieces"][row, number]
            if not pieces or place - 1 >= WORDPIECE.max_pieces:
                assert first == -1
            else:
                assert first == place
                assert found["token_ids"][row, first] == pieces[0]
            place += len(pieces)
        assert (found["first_pieces"][row, len(own) :] == -1).all()


def rows_in(batches):
    for batch in batches:
        for row in range(len(batch["label"])):
            words = [word.decode() for word in batch["text"][row].numpy()]
            count = len(words)
            yield (
                tuple(words),
                tuple(batch["label"][row, :count].numpy().tolist()),
                tuple(batch["seen"][row, :count].numpy().tolist()),
                tuple(map(tuple, batch["teacher_logits"][row, :count].numpy().tolist())),
            )
            assert (batch["label"][row, count:].numpy() == -1).all()
            assert not batch["seen"][row, count:].numpy().any()


@pytest.mark.parametrize("how", ["label.num_shards=3", "label.top_k=2"])
def test_the_stream_has_every_row_with_its_words_labels_and_logits(folder, how):
    table = tiny_words.label(folder, how)
    stream = SoftLabelStream(table, "train", batch_size=7, seed=1, once=False)
    found = sorted(rows_in(stream.one_pass()))
    expected = []
    for row in table.read("train", ["words", "label_thing", "teacher_thing"]).to_pylist():
        seen = tuple(one is not None for one in row["teacher_thing"])
        labels = tuple(tiny_words.CLASSES.index(label) for label in row["label_thing"])
        expected.append((tuple(row["words"]), labels, seen))
    assert [row[:3] for row in found] == sorted(expected)
    for words, _, seen, logits in found:
        for word, there, line in zip(words, seen, logits, strict=True):
            if there:
                says = tiny_words.CLASSES[int(np.argmax(line))]
                assert says == tiny_words._CLASS_OF.get(word, "other")


def test_any_step_of_words_is_reached_without_what_comes_before(folder):
    table = tiny_words.label(folder)
    stream = SoftLabelStream(table, "train", batch_size=7, seed=1, once=False)
    whole = list(rows_in(stream.dataset().take(9)))
    assert list(rows_in(stream.dataset(first_step=4).take(5))) == whole[4 * 7 :]


def test_a_window_of_words_is_cut_where_its_logits_are_many(folder, monkeypatch):
    stream = SoftLabelStream(tiny_words.label(folder), "train", batch_size=7, seed=1, once=False)
    whole, chunks = list(rows_in(stream.one_pass())), len(list(stream.chunks([0], 0)))
    monkeypatch.setattr("stages.train.stream.stream._CHUNK_VALUES", 1)
    assert list(rows_in(stream.one_pass())) == whole
    assert len(list(stream.chunks([0], 0))) == stream.steps_per_pass > chunks


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("loss", ["kl", "jensen_shannon", "logit_mse", "decoupled"])
def test_what_is_masked_changes_neither_loss_nor_gradient(weight, loss):
    rng = np.random.default_rng(2)
    student_logits, teacher = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    labels = rng.integers(0, 4, (3, 5))
    seen = rng.random((3, 5)) < 0.6
    labels[~seen] = -1
    objective = Objective(2.0, hard_label_weight=weight, loss=loss)

    def asked(logits, teacher_logits):
        value = tf.Variable(logits)
        with tf.GradientTape() as tape:
            targets = {"label": labels, "teacher_logits": teacher_logits, "seen": seen}
            result = objective.value(value, targets)
        return float(result), tape.gradient(result, value).numpy()

    one, gradient = asked(student_logits, teacher)
    assert np.abs(gradient[~seen]).max() == 0.0
    other = [np.where(seen[..., None], part, 7.0) for part in (student_logits, teacher)]
    assert asked(*(part.astype(np.float32) for part in other))[0] == pytest.approx(one, rel=1e-5)
    flat = Objective(2.0, hard_label_weight=weight, loss=loss).value(
        student_logits[seen], {"label": labels[seen], "teacher_logits": teacher[seen]}
    )
    assert float(flat) == pytest.approx(one, rel=1e-5)


TAGS = ("O", "B-A", "I-A", "E-A", "S-A", "B-B", "I-B")


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 7))
@settings(max_examples=60)
def test_spans_counted_in_the_graph_are_those_counted_in_memory(seed, rows, words):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, len(TAGS), (rows, words))
    said = np.where(rng.random((rows, words)) < 0.6, labels, rng.integers(0, 7, (rows, words)))
    metric = SpanScores(TAGS)
    for part in range(rows):
        metric.update_state(
            tf.constant(labels[part : part + 1]), tf.constant(np.maximum(said, 0)[part : part + 1])
        )
    owners = np.repeat(np.arange(rows), words)
    expected = span_scores(TAGS, labels.ravel(), np.maximum(said, 0).ravel(), owners)
    found = {name: float(value) for name, value in metric.result().items()}
    assert found == {
        "span_precision": pytest.approx(expected.precision, abs=1e-6),
        "span_recall": pytest.approx(expected.recall, abs=1e-6),
        "span_f1": pytest.approx(expected.f1, abs=1e-6),
    }


def test_a_row_as_long_as_a_book_is_counted():
    rng = np.random.default_rng(3)
    labels, said = rng.integers(0, len(TAGS), (2, 1, 30_000))
    metric = SpanScores(TAGS)
    metric.update_state(tf.constant(labels), tf.constant(said))
    expected = span_scores(TAGS, labels.ravel(), said.ravel(), np.zeros(30_000, np.int64))
    assert float(metric.result()["span_f1"]) == pytest.approx(expected.f1, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_student_of_each_kind_learns_words_and_padding_changes_nothing(kind, folder):
    table = tiny_words.label(folder, "teacher.options={window=99}")
    run = tiny_words.run(
        student(kind),
        "teacher.options={window=99}",
        "train.epochs=40",
        "train.learning_rate=0.02",
        "train.baseline=false",
    )
    plans = train(run, table, out=Path("out"))
    card = read_student_card(plans[0].path)
    assert card.per == "token"
    assert max(epoch["val_accuracy"] for epoch in card.epochs) > 0.9
    predictor = StudentPredictor(plans[0].path, card)
    lists = [["my", "cat"], ["the-old", "fig", "zzz", "saw", "dog"]]
    together = predictor.answers(lists)
    assert together.offsets.tolist() == [0, 2, 7]
    for row, words in enumerate(lists):
        alone = predictor.answers([words]).values
        own = together.values[together.offsets[row] : together.offsets[row + 1]]
        np.testing.assert_allclose(own, alone, rtol=1e-4, atol=1e-4)


def test_a_run_reports_words(folder):
    run = tiny_words.run(student("lstm"), "train.epochs=4", "train.max_length=6")
    table = tiny_words.label(folder)
    train(run, table, out=Path("out"))
    report = evaluate_step(run, labels=table.path, out=Path("out"))
    words = sum(map(len, table.read("test", ["words"])["words"].to_pylist()))
    assert report.teacher.scores.rows == words
    assert report.teacher.scores.accuracy < 1.0  # words beyond its window count as wrong
    assert {model.role for model in report.models} == {"student", "baseline"}
    assert report.teacher.scores.spans is None
    shown = results_text(report)
    assert "accuracy" in shown
    lists = table.read("test", ["words"])["words"].to_pylist()
    [plan, _] = plan_students(run, table, out=Path("out"))
    unseen = (~StudentPredictor(plan.path, read_student_card(plan.path)).answers(lists).seen).sum()
    assert [model.cut for model in report.models] == [unseen, unseen]
    assert f"lstm: {unseen} words go beyond train.max_length and are cut there" in shown
    assert f"<td>{unseen} words go beyond" in render(report)


def test_words_that_the_student_does_not_see_count_in_training_as_in_the_report(folder):
    table = tiny_words.label(folder)
    how = ("train.epochs=3", "train.max_length=5", "train.baseline=false")
    run = tiny_words.run(student("lstm"), *how, "evaluate.split=validation")
    [plan] = train(run, table, out=Path("out"))
    epochs = read_student_card(plan.path).epochs
    best = max(epochs, key=lambda epoch: epoch["val_accuracy"])
    [model] = evaluate_step(run, labels=table.path, out=Path("out")).models
    assert model.scores.accuracy == pytest.approx(best["val_accuracy"], abs=1e-6)
    assert model.scores.recall_macro == pytest.approx(best["val_recall_macro"], abs=1e-6)
    assert model.scores.agreement == pytest.approx(best["val_agreement"], abs=1e-6)
    assert model.scores.recall_macro < 1.0 and model.scores.accuracy < 0.95


SPANS = (
    'heads=[{name="thing", per="token", column="tags", classes=["O", "B-animal", "I-animal", '
    '"B-tool", "I-tool", "B-fruit", "I-fruit"]}]',
    'teacher={kind="module", callable="tests.tiny_words:of_spans"}',
)


def test_where_classes_mark_spans_these_are_what_counts(folder):
    rows = tiny_words.examples(120)
    for row in rows:
        row["tags"] = ["O" if tag == "other" else f"B-{tag}" for tag in row["tags"]]
    tiny_words.write_corpus(folder, rows)
    table = tiny_words.label(folder, *SPANS)
    run = tiny_words.run(*SPANS, student("lstm"), "train.epochs=20", "train.learning_rate=0.02")
    plans = train(run, table, out=Path("out"))
    epochs = read_student_card(plans[0].path).epochs
    assert run.kept_by == "span_f1" and max(epoch["val_span_f1"] for epoch in epochs) > 0.8
    report = evaluate_step(run, labels=table.path, out=Path("out"))
    assert report.teacher.scores.spans.f1 == 1.0
    [summary] = report.students
    assert summary.metric == "span_f1"
    found = [model.scores.spans.f1 for model in report.models if model.role == "student"]
    assert summary.retention == pytest.approx(found[0])
    assert {one.name for one in report.models[0].scores.spans.types} == set(tiny.CLASSES)
    assert "points of span F1" in summary.verdict and "span F1" in results_text(report)
    page = render(report)
    assert "span F1" in page and "Types of span" in page
    for one in report.models[0].scores.spans.types:
        assert f"<td>{one.name}</td><td>{one.support}</td>" in page
        assert f"{one.precision:.3f}, {one.recall:.3f}, {one.f1:.3f}" in page


@pytest.mark.parametrize("kind", ["bag", "cnn"])
def test_a_student_of_texts_only_is_refused(kind):
    with pytest.raises(StudentError, match="student cannot be built: .*'per'"):
        build_student(Student(name="s", kind=kind), vocabulary_size=20, classes=3, per="token")


def flat(*, vocabulary_size, classes, per):
    token_ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.GlobalMaxPooling1D()(keras.layers.Embedding(9, 4)(token_ids))
    return keras.Model(token_ids, keras.layers.Dense(classes)(hidden))


def test_a_student_that_answers_for_texts_is_refused():
    own = Student(name="s", kind="tests.train.test_words:flat")
    with pytest.raises(StudentError, match=r"expected a Keras model with output \[batch, tok"):
        build_student(own, vocabulary_size=20, classes=3, per="token")


def test_a_loss_that_compares_examples_is_refused(folder):
    table = tiny_words.label(folder)
    with pytest.raises(StudentError, match="dist compares examples"):
        train(tiny_words.run(student("lstm"), "train.loss=dist"), table, out=Path("out"))


def test_a_target_of_spans_needs_spans():
    with pytest.raises(RunFileError, match="which the head's classes do not mark"):
        tiny.run("target={metric='span_f1', at_least=0.5}")
