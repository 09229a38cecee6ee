"""Question answering by transformers: pieces to words and back, on two kinds of tokenizer."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.inputs.cutting import cut_words
from stages.rows.pointers import SEPARATOR
from stages.run.experiment import teacher_at_hand
from stages.table.verify import verify
from stages.teachers.load import load_teacher
from stages.teachers.places import find_teacher
from stages.teachers.questions import _Text
from tests import tiny_berts, tiny_questions

QUESTION = "Which old axe?"
CONTEXT = "The dearest cat (a small one) saw 3 pears.  It's old,\nnot new: café 日本!"
PIECES = ["##est", "##s", "##é", "a", "saw", "(", ")", "?", ".", ",", "!", "'", ":", "it", "##t"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CHARACTERS = [*LETTERS, *"日本3", *(f"##{letter}" for letter in LETTERS)]


def bert(folder):
    import transformers

    from tests import tiny

    names = list(dict.fromkeys([*tiny.VOCABULARY, *PIECES, *CHARACTERS]))
    words = {word: number for number, word in enumerate(names)}
    tokenizer = transformers.BertTokenizerFast(vocab=words, model_max_length=64)
    return tokenizer, transformers.BertForQuestionAnswering(
        transformers.BertConfig(vocab_size=len(words), max_position_embeddings=64, **_SIZES)
    )


def roberta(folder):
    import transformers

    tokenizer = tiny_berts.byte_pair_tokenizer(folder, [QUESTION, CONTEXT] * 3, max_length=64)
    size = len(tokenizer)
    return tokenizer, transformers.RobertaForQuestionAnswering(
        transformers.RobertaConfig(
            vocab_size=size, max_position_embeddings=80, type_vocab_size=1, **_SIZES
        )
    )


_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 1.0,
}


@pytest.fixture(params=[bert, roberta])
def model(request, tmp_path, monkeypatch):
    """A folder of random weights, and its tokenizer and model."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    torch.manual_seed(7)
    tokenizer, network = request.param(folder)
    network.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return tokenizer, network


def words_of(question, context):
    asked = [word for _, word in cut_words(question)]
    return [*asked, SEPARATOR, *(word for _, word in cut_words(context))]


def teacher_of(*overrides):
    stated = 'teacher={kind="transformers", path="model", max_length=64}'
    run = tiny_questions.run(stated, *overrides)
    return load_teacher(find_teacher(run, base=Path.cwd(), fitted=Path.cwd()))


def expected(model, question, context):
    """Return what the model says of each word, from its own offsets, one character at a time."""
    import torch

    tokenizer, network = model
    fed = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
    offsets, parts = fed.pop("offset_mapping")[0].tolist(), fed.sequence_ids(0)
    with torch.inference_mode():
        said = network(**fed)
    ids = fed["input_ids"][0].tolist()
    none = ids.index(tokenizer.cls_token_id)
    starts, ends = said.start_logits[0].numpy(), said.end_logits[0].numpy()
    found = [[starts[none], ends[none]]]
    for begin, word in cut_words(context):
        characters = set(range(begin, begin + len(word.rstrip())))
        tokens = [
            number
            for number, (first, last) in enumerate(offsets)
            if parts[number] == 1 and characters & set(range(first, last))
        ]
        found.append([starts[tokens[0]], ends[tokens[-1]]])
    return np.array(found)


def asked(teacher, *rows):
    encoded = teacher.encode(pa.table({"words": pa.array(rows, pa.list_(pa.string()))}))
    return teacher.logits(encoded, np.arange(len(rows)))


def test_each_word_has_what_is_said_of_its_first_and_its_last_piece(model):
    rows = [words_of(QUESTION, CONTEXT), words_of("old?", "new cat")]
    found = asked(teacher_of(), *rows)
    for row, (question, context) in enumerate(((QUESTION, CONTEXT), ("old?", "new cat"))):
        place = rows[row].index(SEPARATOR)
        assert np.isnan(found[row, :place]).all()
        theirs = expected(model, question, context)
        ours = found[row, place : place + len(theirs)]
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_a_long_context_is_cut_or_seen_through_windows(model):
    context = f"{CONTEXT} " * 6
    words = words_of(QUESTION, context)
    place = words.index(SEPARATOR)
    teacher = teacher_of()
    encoded = teacher.encode(pa.table({"words": pa.array([words])}))
    assert encoded.overlong.tolist() == [True]
    assert encoded.lengths.tolist() == [64]
    cut = teacher.logits(encoded, np.arange(1))[0]
    assert len(cut) == len(words) > 120
    assert np.isnan(cut[-60:]).all()
    assert not np.isnan(cut[place : place + 20]).any()
    whole = asked(teacher_of("teacher.stride=8"), words)[0]
    assert len(whole) == len(words)
    assert not np.isnan(whole[place:]).any()


def test_not_a_number_is_no_word_that_was_not_seen(model):
    import torch

    tokenizer, network = model
    with torch.no_grad():
        network.qa_outputs.bias[:] = torch.nan
    network.save_pretrained("model")
    found = asked(teacher_of(), words_of(QUESTION, CONTEXT))[0]
    place = words_of(QUESTION, CONTEXT).index(SEPARATOR)
    assert np.isposinf(found[place:]).all()
    assert np.isnan(found[:place]).all()


def test_rows_that_nothing_was_written_between_are_joined_by_a_space(model):
    rows = [["which", "axe", SEPARATOR, "the", "old", "cat"]]
    theirs = expected(model, "which axe", "the old cat")
    np.testing.assert_allclose(asked(teacher_of(), *rows)[0, 2:], theirs, rtol=1e-4, atol=1e-4)


@given(st.text(max_size=60), st.lists(st.integers(0, 60)), st.integers(0, 12))
def test_words_have_the_pieces_that_share_a_character_with_them(text, cuts, dropped):
    """Any text, cut into pieces anywhere, of which the last may be cut off."""
    places = cut_words(text)
    words = [word for _, word in places]
    whole = "".join(words)
    ends = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    offsets = np.array(list(zip(ends[:-1], ends[1:], strict=True)), np.int64).reshape(-1, 2)
    kept = offsets[: max(0, len(offsets) - dropped)]
    found = _Text.of(words, "").tokens(kept, np.ones(len(kept), np.bool_), cut=dropped > 0)
    begin, seen = 0, max((last for first, last in kept if whole[first:last].strip()), default=0)
    seen = len(whole[:seen].rstrip())
    for number, word in enumerate(words):
        characters = set(range(begin, begin + len(word.rstrip())))
        sharing = [
            token
            for token, (first, last) in enumerate(kept)
            if characters & {place for place in range(first, last) if not whole[place].isspace()}
        ]
        there = bool(sharing) and (dropped == 0 or begin + len(word.rstrip()) <= seen)
        assert found[number].tolist() == ([sharing[0], sharing[-1]] if there else [-1, -1])
        begin += len(word)


def test_a_table_of_such_a_teacher(model, tmp_path):
    tiny_questions.write(tmp_path)
    how = 'teacher={kind="transformers", path="model", max_length=32, stride=4}'
    table = tiny_questions.label(tmp_path, how)
    assert verify(table).rows == 90
    assert table.card.counts.unseen_positions == 0
    assert teacher_at_hand(tiny_questions.run(how), out=tmp_path) == table.card.teacher_fingerprint
