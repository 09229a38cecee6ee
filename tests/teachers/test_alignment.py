"""Words, their pieces and their characters, whatever the text says, with real tokenizers."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.corpus.formats.squad import read as read_squad
from stages.corpus.formats.units import TextFormat, Unit
from stages.inputs.cutting import cut_words
from stages.inputs.wordpiece import Wordpiece
from stages.rows.intake import Intake
from stages.rows.pointers import SEPARATOR, read_span
from stages.teachers.load import load_teacher
from stages.teachers.parts.pieces import WordpieceInputs
from stages.teachers.parts.words import NO_WORD
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts, tiny_questions, tiny_words

character = st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n\tab.日é")
text = st.text(character, min_size=1, max_size=40)
word = st.text(character, min_size=1, max_size=5)
lists_of_words = st.lists(st.lists(word, min_size=1, max_size=6), min_size=1, max_size=4)
WORDPIECE = Wordpiece(tiny.VOCABULARY, lowercase=True, max_length=100)


@given(text)
def test_words_are_all_of_a_text_in_order(text):
    end = len(text) - len(text.lstrip())
    for start, one in cut_words(text):
        assert start == end
        assert text[start : start + len(one)] == one
        assert one.strip()
        end = start + len(one)
    assert not text[end:].strip()


@given(text.filter(str.strip), st.data())
@settings(deadline=None, max_examples=60)
def test_an_answer_by_characters_is_one_by_words_and_the_same_again(tmp_path_factory, text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if not text[start:end].strip():
        return
    answer = {"text": text[start:end], "answer_start": start}
    asked = {"id": "q", "question": "which one", "answers": [answer]}
    folder = tmp_path_factory.mktemp("squad")
    tiny_questions.write(folder, [{"context": text, "qas": [asked]}])
    unit = Unit(str(folder / "questions.json"), "questions.json")
    [raw] = read_squad(unit, TextFormat(), Intake(unit.source, tolerant=False))
    [row] = raw.table.to_pylist()
    first, last, kept = read_span(row["answers"][0])
    shift = row["words"].index(SEPARATOR) + 1
    places = cut_words(text)
    assert kept == text[start:end].strip()
    assert row["words"][shift:] == [one for _, one in places]
    begins = [begin for begin, _ in places]
    ends = [begin + len(one) for begin, one in places]
    shown = text[start:end]
    seen = start + len(shown) - len(shown.lstrip()), start + len(shown.rstrip()) - 1
    assert begins[first - shift] <= max(seen[0], begins[0])
    assert ends[last - shift] > seen[1]
    assert first == shift or ends[first - shift - 1] <= seen[0]
    assert begins[last - shift] < end


def pieces_of(word):
    """Return a word's pieces by itself; `[SEP]` is that one piece."""
    if word == SEPARATOR:
        return [WORDPIECE.end_id]
    return WORDPIECE.pieces([word]).flat_values.numpy().tolist()


@given(lists_of_words)
@example([["cat", SEPARATOR, "a", SEPARATOR], [SEPARATOR]])
@settings(deadline=None, max_examples=60)
def test_each_piece_of_wordpiece_is_of_the_word_that_has_it_alone(lists):
    column = pa.table({"words": pa.array(lists, pa.list_(pa.string()))})
    found = WordpieceInputs.of_words(column, WORDPIECE)
    owners = found.words_of(np.arange(len(lists)))
    for row, own in enumerate(lists):
        ids = found.token_ids[row].numpy().tolist()
        alone = [pieces_of(one) for one in own]
        assert ids[1:-1] == [piece for pieces in alone for piece in pieces]
        counts = [len(pieces) for pieces in alone]
        expected = [NO_WORD, *np.repeat(np.arange(len(own)), counts).tolist(), NO_WORD]
        assert owners[row, : len(ids)].tolist() == expected
        assert set(owners[row, len(ids) :].tolist()) <= {NO_WORD}


def bert(folder):
    tiny_berts.write_transformers(folder, tiny_words.CLASSES, of_words=True)


def byte_pairs(folder):
    import transformers

    folder.mkdir()
    texts = [" ".join(row["words"]) for row in tiny_words.examples()]
    tokenizer = tiny_berts.byte_pair_tokenizer(folder, texts, max_length=300)
    labels = dict(enumerate(tiny_words.CLASSES))
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=302,
        intermediate_size=8,
        id2label=labels,
        **shape,
    )
    transformers.RobertaForTokenClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module", params=[bert, byte_pairs])
def teacher(request, tmp_path_factory):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    place = tmp_path_factory.mktemp("teachers")
    request.param(place / "model")
    run = tiny_words.run('teacher={kind="transformers", path="model", max_length=300}')
    return load_teacher(find_teacher(run, base=place, fitted=place))


@given(lists_of_words)
@settings(max_examples=60)
def test_each_piece_of_a_fast_tokenizer_is_of_the_word_that_has_it_alone(teacher, lists):
    column = pa.table({"words": pa.array(lists, pa.list_(pa.string()))})
    encoded = teacher.encode(column)
    counts = np.split(teacher.word_pieces(column), np.cumsum([len(own) for own in lists])[:-1])
    for row, own in enumerate(lists):
        alone = [
            teacher._tokenizer([one], is_split_into_words=True, add_special_tokens=False)
            for one in own
        ]
        pieces = [one["input_ids"] for one in alone]
        owners = encoded.word_ids[row]
        inner = owners != NO_WORD
        ids = np.array(encoded.token_ids[row])[inner].tolist()
        assert ids == [piece for part in pieces for piece in part]
        lengths = [len(part) for part in pieces]
        assert owners[inner].tolist() == np.repeat(np.arange(len(own)), lengths).tolist()
        assert counts[row].tolist() == lengths
