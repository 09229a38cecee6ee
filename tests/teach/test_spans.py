"""A fine-tuned encoder of tags is judged by spans of words, whatever pieces the words have."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.heads import head_kind
from stages.heads.metrics.spans import span_scores
from stages.heads.scores.fitted import LabelledSpanF1
from stages.teach.kept_epochs import KeptEpochs
from stages.teach.pipeline import plan_teach, teach
from stages.teachers.folder import read_card
from tests import tiny_berts, tiny_words

TAGS = ("O", "B-a", "I-a", "B-b", "I-b")
tag = st.integers(0, len(TAGS) - 1)
words = st.lists(st.tuples(tag, tag, st.integers(1, 3)), min_size=1, max_size=8)


def by_token(row, longest):
    """Return labels and said tags of tokens: those of a word at its first piece, between edges."""
    labels = np.full(longest, -1, np.int64)
    said = np.zeros(longest, np.int64)
    place = 1
    for label, guess, pieces in row:
        labels[place], said[place] = label, guess
        said[place + 1 : place + pieces] = (guess + 1) % len(TAGS)
        place += pieces
    return labels, said


@given(st.lists(words, min_size=1, max_size=4), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_spans_of_first_pieces_are_those_of_the_words(rows, batches):
    metric = LabelledSpanF1(TAGS)
    longest = 2 + max(sum(pieces for *_, pieces in row) for row in rows)
    labels, said = (
        np.stack(part) for part in zip(*(by_token(r, longest) for r in rows), strict=True)
    )
    logits = np.eye(len(TAGS), dtype=np.float32)[said]
    for part in np.array_split(np.arange(len(rows)), batches):
        if len(part):
            metric.update_state(labels[part], logits[part])
    flat = [(label, guess, row) for row, own in enumerate(rows) for label, guess, _ in own]
    true, found, row_of_word = (np.array(one) for one in zip(*flat, strict=True))
    expected = span_scores(TAGS, true, found, row_of_word).f1
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_the_epoch_with_the_best_spans_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tags = {"other": "O", **{name: f"B-{name}" for name in tiny_words.CLASSES[1:]}}
    rows = [{**row, "tags": [tags[one] for one in row["tags"]]} for row in tiny_words.examples(60)]
    tiny_words.write_corpus(tmp_path, rows)
    tiny_berts.write_hugging_face(tmp_path / "bert")
    run = tiny_words.run(
        f'heads=[{{name="thing", per="token", column="tags", classes={list(tags.values())}}}]',
        'teacher={encoder={path="bert"}, max_length=32, fit={seed=1, epochs=5, batch_size=8, '
        "learning_rate=2e-2, dropout=0.0, patience_epochs=5}}",
    )
    teach(plan_teach(run, base=tmp_path), out=tmp_path / "made")
    card = read_card(tmp_path / "made")
    _, metrics = head_kind(run.head.kind).fitted_to(run.head)
    assert metrics[-1].name == "span_f1"
    by_epoch = [figures["val_span_f1"] for figures in card.epochs]
    assert max(by_epoch) > min(by_epoch)
    assert card.scores["validation"].figures["span_f1"] == pytest.approx(max(by_epoch), abs=1e-5)


def kept(figures, *, patience, mode="max"):
    """Return which epoch is kept, counted from 1, and how many there were."""
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    model.compile("sgd", "mse")
    how = {"figure": "val_f1", "mode": mode, "patience": patience}
    callback = KeptEpochs(Nowhere(), **how)
    callback.set_model(model)
    for epoch, value in enumerate(figures):
        model.set_weights([np.array([[epoch + 1.0]])])
        callback.on_epoch_end(epoch, {"val_f1": value})
        if callback.is_over:
            break
    callback.end(model)
    return int(model.get_weights()[0][0, 0]), len(callback.epochs)


class Nowhere:
    """Where checkpoints go that nobody reads."""

    def save(self, checkpoint):
        pass


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ([0.18, 0.0, 0.0, 0.06, 0.61, 0.6, 0.5, 0.9], (5, 7)),
        ([0.0, 0.0, 0.0, 0.0], (4, 4)),
        ([0.0, 0.0, 0.3, 0.2, 0.1, 0.9], (3, 5)),
        ([0.3, 0.2, 0.1, 0.9], (1, 3)),
    ],
)
def test_epochs_in_which_no_span_was_found_do_not_end_a_fit(figures, expected):
    assert kept(figures, patience=2) == expected


def test_a_loss_of_nothing_is_the_best_there_is():
    assert kept([0.5, 0.0, 0.0, 0.0], patience=2, mode="min") == (2, 4)
