"""Two texts that are asked together: from corpus to report and export."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RunFileError
from stages.asking.recheck import Tolerance, recheck
from stages.evaluate.pipeline import evaluate
from stages.evaluate.text import results_text
from stages.export.pipeline import export
from stages.inputs.find import input_digests
from stages.inputs.wordpiece import Wordpiece
from stages.table.verify import verify
from stages.teach.pipeline import plan_teach, teach
from stages.teachers.folder import read_card
from stages.teachers.load import load_teacher
from stages.teachers.parts.pieces import WordpieceInputs, model_inputs
from stages.teachers.places import find_teacher
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from stages.train.stream.stream import SoftLabelStream
from tests import tiny, tiny_berts, tiny_pairs

WORDPIECE = Wordpiece(tiny.VOCABULARY, lowercase=True, max_length=8)
PIECE = {piece: number for number, piece in enumerate(tiny.VOCABULARY)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_pairs.write_corpus(tmp_path)
    return tmp_path


def test_pairs_are_kept_streamed_trained_on_exported_and_reported(folder):
    how = ("train.epochs=30", "train.learning_rate=0.02", "train.baseline=false")
    table, run = tiny_pairs.label(folder, *how), tiny_pairs.run(*how)
    assert verify(table).rows == 160
    corpus = {(row["history"], row["item"]): row["click"] for row in tiny_pairs.examples()}
    for row in tiny.rows_of(table):
        pair = (row["history"], row["item"])
        assert row["label_click"] == ["click"] * corpus[pair]
        assert (row["teacher_click"][0] > 0) == bool(corpus[pair])
        digest = input_digests([pa.array([text]) for text in pair])[0].as_py()
        assert row["input_digest"] == digest
    stream = SoftLabelStream(table, "train", batch_size=16, seed=1, once=False)
    seen = []
    for batch in stream.one_pass():
        texts = batch["text"].numpy()
        assert texts.shape[1] == 2
        for (history, item), logits in zip(texts, batch["teacher_logits"].numpy(), strict=True):
            seen.append((history.decode(), item.decode()))
            assert (logits[0] > 0) == bool(corpus[seen[-1]])
    assert len(seen) == table.card.counts.split_rows["train"]
    plans = train(run, table, out=folder)
    assert read_student_card(plans[0].path).pairs
    report = evaluate(run, table, plans, out=folder)
    assert report.teacher.scores.auc == 1.0
    assert report.models[0].scores.auc > 0.6
    said = results_text(report).splitlines()[1]
    assert said.split()[:7] == ["model", "F1", "micro", "AUC", "agreement", "log", "loss"]
    [(_, card)] = export(plan_students(run, table, out=folder), table, formats=["saved_model"])
    assert card.shape == (None, 2)
    assert card.largest_difference < 1e-4


def test_a_teacher_of_pairs_is_fine_tuned_and_asked_again(folder):
    tiny_berts.write_hugging_face(folder / "bert")
    fit = (
        'teacher={encoder={path="bert"}, max_length=16, '
        "fit={seed=1, epochs=2, learning_rate=5e-3, batch_size=8}}"
    )
    run = tiny_pairs.run(fit)
    teach(plan_teach(run, base=folder), out=folder / "made")
    assert read_card(folder / "made").scores["test"].rows > 10
    table = tiny_pairs.label(folder, fit)
    teacher = load_teacher(find_teacher(run, base=folder, fitted=folder / "made"))
    recheck(table, teacher, how=run.label, tolerance=Tolerance())
    pairs = pa.table({"history": ["cat dog", "fig"], "item": ["the saw", "the fish"]})
    swapped = pairs.rename_columns(["item", "history"]).select(["history", "item"])
    asked = [teacher.logits(teacher.encode(one), np.arange(2)) for one in (pairs, swapped)]
    assert np.abs(asked[0] - asked[1]).max() > 1e-4


def test_transformers_see_pairs_too(folder):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tiny_berts.write_transformers(folder / "hugging", tiny.CLASSES)
    run = tiny_pairs.run(
        'heads=[{name="click", classes=["animal", "fruit", "tool"]}]',
        'teacher={kind="transformers", path="hugging", max_length=8}',
    )
    teacher = load_teacher(find_teacher(run, base=folder, fitted=folder))
    pairs = pa.table({"history": ["cat dog horse fish", "fig"], "item": ["the saw", "the fish"]})
    encoded = teacher.encode(pairs)
    assert encoded.overlong.tolist() == [True, False]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "hugging")
    assert encoded.token_ids[1] == tokenizer("fig", "the fish")["input_ids"]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "hugging")
    torch.manual_seed(1)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder / "hugging")
    teacher = load_teacher(find_teacher(run, base=folder, fitted=folder))
    found = teacher.logits(teacher.encode(pairs), np.arange(2))
    for row, pair in enumerate(pairs.to_pylist()):
        asked = tokenizer(*pair.values(), truncation=True, max_length=8, return_tensors="pt")
        assert asked["token_type_ids"].max() == 1
        with torch.inference_mode():
            expected = model.eval()(**asked).logits[0].numpy()
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-4)


words = st.lists(st.sampled_from(["cat", "dog", "fig", "saw", "the", "old"]), max_size=9)


@settings(deadline=None, max_examples=60)
@given(pairs=st.lists(st.tuples(words, words), min_size=1, max_size=5))
def test_a_pair_is_framed_and_the_longer_text_is_cut(pairs):
    texts = [[" ".join(part) for part in pair] for pair in pairs]
    table = pa.table({"a": [one for one, _ in texts], "b": [other for _, other in texts]})
    encoded = WordpieceInputs.of(table, WORDPIECE)
    start, end = PIECE["[CLS]"], PIECE["[SEP]"]
    room = 5
    for row, (first, second) in enumerate(pairs):
        ids = encoded.token_ids[row].numpy().tolist()
        assert len(ids) <= 8
        assert ids[0] == start and ids[-1] == end and ids.count(end) == 2
        place = ids.index(end)
        one, other = ids[1:place], ids[place + 1 : -1]
        assert one == [PIECE[word] for word in first][: len(one)]
        assert other == [PIECE[word] for word in second][: len(other)]
        assert encoded.overlong[row] == (len(first) + len(second) > room)
        assert len(one) + len(other) == min(room, len(first) + len(second))
        if encoded.overlong[row] and min(len(first), len(second)) >= 3:
            assert abs(len(one) - len(other)) <= 1
    padded = encoded.padded(np.arange(len(pairs)))
    made = model_inputs(padded, pad_id=0, end_id=end)
    for ids, segments in zip(padded.numpy(), made["segment_ids"].numpy(), strict=True):
        place = ids.tolist().index(end)
        expected = [int(at > place and token != 0) for at, token in enumerate(ids)]
        assert segments.tolist() == expected


def test_one_text_has_one_segment():
    ids = WORDPIECE.token_ids(tf.constant(["cat", "the old dog"]))
    made = model_inputs(ids, pad_id=0, end_id=PIECE["[SEP]"])
    assert not made["segment_ids"].numpy().any()


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ('corpus.feature_kinds={item="words"}', "of two features both are texts"),
        ('teacher={kind="saved_model", path="x"}', "pairs of texts need a teacher of kind keras"),
        ("label.views={seed=1, augmenters=[{kind='swap'}]}", "makes views of one text"),
        ('corpus.features=["a", "b", "c"]', "corpus.features"),
    ],
)
def test_what_pairs_cannot_have_is_said(stated, said):
    with pytest.raises(RunFileError, match="does not hold") as caught:
        tiny_pairs.run(stated)
    assert said in str(caught.value)
