"""The student's vocabulary."""

from stages.inputs.wordpiece import Wordpiece
from stages.train.start.vocabulary import prune_vocabulary

VOCABULARY = ["[PAD]", "x", "[UNK]", "[CLS]", "[SEP]", "cat", "dog", "##s", "c", "##c", "z", "a"]


def test_keeps_what_occurs_and_the_characters_of_it():
    kept = prune_vocabulary(VOCABULARY, [["cats", "Cat"]], lowercase=True)
    assert kept == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cat", "##s", "c", "##c", "a"]


def test_texts_are_tokenized_as_before():
    kept = prune_vocabulary(VOCABULARY, [["cats cat"]], lowercase=True)

    def spelt(pieces):
        wordpiece = Wordpiece(pieces, lowercase=True, max_length=16)
        return [pieces[number] for number in wordpiece.token_ids(["cats cat"])[0].numpy()]

    assert spelt(VOCABULARY) == spelt(kept)


def test_an_unknown_word_does_not_break_it():
    kept = prune_vocabulary(VOCABULARY, [["ζ"]], lowercase=True)
    assert kept[:4] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
