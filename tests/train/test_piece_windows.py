"""Students that see a long row of words through several windows."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RunFileError
from stages.evaluate.predict import StudentPredictor
from stages.export.pipeline import export
from stages.inputs.wordpiece import Wordpiece, ragged_words
from stages.rows.pointers import SEPARATOR
from stages.train.distiller import logits_of
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from stages.train.stream.words import word_inputs
from tests import tiny, tiny_questions, tiny_words

MAX_LENGTH = 10
ROOM = MAX_LENGTH - 2
WORDPIECE = Wordpiece(tiny.VOCABULARY, lowercase=True, max_length=MAX_LENGTH)
word = st.one_of(
    st.sampled_from(["cat", "fig", "the", "saw", "old"]), st.text(min_size=1, max_size=4)
)
rows_of_words = st.lists(st.lists(word, max_size=30), min_size=1, max_size=4)
strides = st.integers(0, ROOM // 2)


def echo(ids, training=False):
    """Say of each token which it is, and what place of its window it has."""
    places = tf.broadcast_to(tf.range(tf.shape(ids)[1]), tf.shape(ids))
    return tf.cast(tf.stack([ids, places], axis=-1), tf.float32)


def pieces_of(one):
    """Return the ids of one word's pieces."""
    pieces, _ = WORDPIECE.words(ragged_words([[one]]))
    return pieces.flat_values.numpy().tolist()


@given(rows_of_words, strides)
@settings(deadline=None, max_examples=60)
def test_each_word_is_read_where_it_has_most_context(lists, stride):
    inputs = word_inputs(WORDPIECE, ragged_words(lists), stride=stride)
    said = logits_of(echo, inputs, training=False).numpy()
    for row, own in enumerate(lists):
        pieces = [pieces_of(one) for one in own]
        total, before = sum(map(len, pieces)), 0
        for number, cut in enumerate(pieces):
            assert (inputs["first_pieces"].numpy()[row, number] >= 0) == bool(cut)
            if cut:
                token, place = said[row, number]
                assert token == cut[0]
                assert place - 1 >= min(before, (stride - 1) // 2)
                assert ROOM - place >= min(total - before - 1, (stride - 1) // 2)
            before += len(cut)
        assert set(inputs["first_pieces"].numpy()[row, len(own) :].tolist()) <= {-1}


@given(rows_of_words, strides)
@settings(deadline=None, max_examples=40)
def test_windows_hold_the_row_and_share_what_was_asked(lists, stride):
    ids = word_inputs(WORDPIECE, ragged_words(lists), stride=stride)["token_ids"].numpy()
    start, end = (tiny.VOCABULARY.index(piece) for piece in ("[CLS]", "[SEP]"))
    for row, own in zip(ids, lists, strict=True):
        held = [[int(one) for one in window if one] for window in row if window.any()]
        assert all(window[0] == start and window[-1] == end for window in held)
        assert not row[len(held) :].any()
        joined = held[0][1:-1]
        for window in held[1:]:
            assert len(joined) >= ROOM
            shared = joined[len(joined) - stride :]
            assert window[1 : 1 + stride] == shared
            joined += window[1 + stride : -1]
        assert joined == [piece for one in own for piece in pieces_of(one)]


@given(st.lists(st.lists(word, max_size=3), min_size=1, max_size=4), strides)
@settings(deadline=None, max_examples=30)
def test_rows_that_fit_are_asked_as_without_windows(lists, stride):
    fitting = [own for own in lists if sum(len(pieces_of(one)) for one in own) <= ROOM] or [["cat"]]
    windowed = word_inputs(WORDPIECE, ragged_words(fitting), stride=stride)
    plain = word_inputs(WORDPIECE, ragged_words(fitting))
    np.testing.assert_array_equal(windowed["token_ids"][:, 0], plain["token_ids"])
    np.testing.assert_array_equal(windowed["first_pieces"], plain["first_pieces"])


@given(rows_of_words, st.data())
@settings(deadline=None, max_examples=30)
def test_other_rows_of_a_batch_change_nothing(lists, data):
    stride = data.draw(strides)
    together = word_inputs(WORDPIECE, ragged_words(lists), stride=stride)
    whole = logits_of(echo, together, training=False).numpy()
    for row, own in enumerate(lists):
        alone = word_inputs(WORDPIECE, ragged_words([own]), stride=stride)
        said = logits_of(echo, alone, training=False).numpy()
        seen = alone["first_pieces"].numpy()[0] >= 0
        np.testing.assert_array_equal(seen, together["first_pieces"].numpy()[row, : len(own)] >= 0)
        np.testing.assert_array_equal(said[0][seen], whole[row, : len(own)][seen])


ASKED = ["one", "cat", SEPARATOR]
CONTEXT = ["the", "old", "dog", "saw", "my", "new", "fig", "and", "pear", "the", "red"]


def test_each_window_begins_with_what_is_asked():
    row = [*ASKED, *CONTEXT]
    inputs = word_inputs(WORDPIECE, ragged_words([row]), stride=2, asks=True)
    lead = [pieces_of(one) for one in ASKED]
    flat = [piece for cut in lead for piece in cut]
    windows = inputs["token_ids"].numpy()[0]
    assert len(windows) > 2
    for window in windows:
        assert window[1 : 1 + len(flat)].tolist() == flat
    said = logits_of(echo, inputs, training=False).numpy()[0]
    assert said[:, 0].tolist() == [pieces_of(one)[0] for one in row]


def test_that_there_is_no_answer_is_the_least_that_any_window_says():
    inputs = word_inputs(WORDPIECE, ragged_words([[*ASKED, *CONTEXT], ASKED]), stride=2, asks=True)
    most = inputs["token_ids"].shape[1]

    def number_of_window(ids, training=False):
        numbers = tf.constant([5.0, 3.0, 4.0, 6.0, 7.0, 9.0][: most + 1])[:, None, None]
        return tf.broadcast_to(numbers, [most + 1, tf.shape(ids)[1], 2])

    said = logits_of(number_of_window, inputs, training=False).numpy()
    separator = ASKED.index(SEPARATOR)
    assert said[0, separator].tolist() == [3.0, 3.0]
    last = [5.0, 3.0, 4.0, 6.0, 7.0, 9.0][most]
    assert said[1, separator].tolist() == [last, last]  # its own window is the batch's last
    assert {one[0] for one in said[0, len(ASKED) :]} <= {5.0, 3.0, 4.0, 6.0, 7.0}


def test_a_question_that_leaves_no_room_is_cut_as_without_windows():
    row = [*["cat"] * (ROOM // 2), SEPARATOR, *CONTEXT]
    windowed = word_inputs(WORDPIECE, ragged_words([row]), stride=1, asks=True)
    plain = word_inputs(WORDPIECE, ragged_words([row]))
    np.testing.assert_array_equal(windowed["token_ids"][:, 0], plain["token_ids"])
    np.testing.assert_array_equal(windowed["first_pieces"], plain["first_pieces"])


def test_gradients_reach_every_window():
    inputs = word_inputs(WORDPIECE, ragged_words([[*CONTEXT, *CONTEXT]]), stride=2)
    table = tf.Variable(tf.zeros([WORDPIECE.vocabulary_size, 2]))
    with tf.GradientTape() as tape:
        said = logits_of(lambda ids, training: tf.gather(table, ids), inputs, training=True)
        total = tf.reduce_sum(said)
    found = tf.convert_to_tensor(tape.gradient(total, table)).numpy()[:, 0]
    for one in set(CONTEXT):
        assert found[pieces_of(one)[0]] == 2 * CONTEXT.count(one)


LSTM = "train.students=[{name='lstm', kind='lstm', options={embedding_width=16, units=16}}]"
HOW = (
    'teacher={kind="module", callable="tests.tiny_words:make", options={window=99}}',
    "train.seeds=[1]",
    "train.epochs=12",
    "train.learning_rate=0.02",
    "train.baseline=false",
    "train.max_length=7",
    LSTM,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_student_learns_and_says_what_is_beyond_its_length(folder):
    tiny_words.write_corpus(folder, tiny_words.examples(120))
    table, run = tiny_words.label(folder, *HOW), tiny_words.run(*HOW, "train.stride=2")
    rows = [row["words"] for row in tiny_words.examples(120) if len(row["words"]) > 5]
    [plan] = train(run, table, out=folder)
    card = read_student_card(plan.path)
    assert card.stride == 2
    student = StudentPredictor(plan.path, card)
    answers = student.answers(rows)
    assert answers.seen.all()
    assert student.cut(rows) == 0
    assert student.cut([["cat", "\u200b", "fig"]]) == 0  # of no piece, at any length
    cut = word_inputs(student.wordpiece, ragged_words(rows))["first_pieces"].numpy()
    there = np.arange(cut.shape[1]) < np.array([len(row) for row in rows])[:, None]
    beyond = cut[there] < 0
    assert beyond.any()
    right = np.concatenate([said.argmax(axis=1) for said in tiny_words.make(window=99)(rows)])
    assert (answers.values.argmax(axis=1)[beyond] == right[beyond]).mean() > 0.9
    cards = list(export([plan], table, formats=["saved_model", "keras"]))
    assert [card.stride for _, card in cards] == [2, 2]
    assert all(card.largest_difference < 1e-4 for _, card in cards)


def test_a_student_of_questions_reads_what_a_cut_one_would_not(folder):
    rows = tiny_questions.questions(120)
    for row in rows:
        answers = row["qas"][0]["answers"]
        row["context"] = "the old the old the old " + row["context"]
        for answer in answers:
            answer["answer_start"] += len("the old the old the old ")
    tiny_questions.write(folder, rows)
    how = (
        "train.seeds=[1]",
        "train.epochs=20",
        "train.learning_rate=0.02",
        "train.baseline=false",
        "train.max_length=14",
        "train.stride=3",
    )
    table, run = tiny_questions.label(folder, *how), tiny_questions.run(*how)
    [plan] = train(run, table, out=folder)
    labels = table.read("validation", ["label_answer"])["label_answer"].to_pylist()
    lists = table.read("validation", ["words"])["words"].to_pylist()
    card = read_student_card(plan.path)
    assert StudentPredictor(plan.path, card).cut(lists) == 0
    without = StudentPredictor(plan.path, card.model_copy(update={"stride": None}))
    unseen = sum(int((~without.answers([row]).seen[row.index(SEPARATOR) :]).sum()) for row in lists)
    assert without.cut(lists) == unseen > 0
    blind = labels.count([]) / len(labels)  # every answer is beyond `max_length`
    assert max(epoch["val_overlap_f1"] for epoch in card.epochs) > blind + 0.2
    cards = list(export([plan], table, formats=["saved_model", "keras"]))
    assert all(card.largest_difference < 1e-4 for _, card in cards)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_in_fewer_bits_a_student_of_questions_is_measured_in_float32(dtype, folder):
    tiny_questions.write(folder)
    how = ("train.epochs=1", "train.seeds=[1]", "train.max_length=10", "train.stride=2")
    run = tiny_questions.run(*how, f"train.compute_dtype={dtype}", "train.baseline=false")
    [plan] = train(run, tiny_questions.label(folder, *how), out=folder)
    [figures] = read_student_card(plan.path).epochs
    assert 0 <= figures["val_overlap_f1"] <= 1
    assert np.isfinite(figures["val_loss"])


def test_a_stride_is_part_of_what_determines_a_student_only_where_it_is_stated(folder):
    tiny_words.write_corpus(folder, tiny_words.examples(60))
    table = tiny_words.label(folder, *HOW)
    prints = [
        next(plan_students(tiny_words.run(*HOW, *more), table, out=folder)).fingerprint
        for more in ((), ("train.stride=1",), ("train.stride=2",))
    ]
    assert len(set(prints)) == 3


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("train.xla=true",), "`stride` is without `xla`: rows have any number of windows"),
        (("train.max_length=5",), "`stride` is at most half of the pieces that `max_length`"),
    ],
)
def test_a_stride_that_cannot_be_is_refused(overrides, message):
    with pytest.raises(RunFileError, match=message):
        tiny_words.run("train.stride=2", *overrides)


def test_a_stride_is_for_words():
    with pytest.raises(RunFileError, match=r"train\.stride is for heads per token"):
        tiny.run("train.stride=2")
