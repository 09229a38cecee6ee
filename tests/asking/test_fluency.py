"""How well a tokenizer reads a corpus is said, and held to limits, before its teacher is asked."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import TeacherError
from schemas.heads import Head
from schemas.provenance import digest_file
from stages.asking.fluency import Fluency, fluency_of, measured, nothing
from stages.inputs.wordpiece import Wordpiece
from stages.label.pipeline import label
from stages.label.planning.plan import plan_label
from stages.teach.pipeline import plan_teach, teach
from stages.teachers.load import load_teacher
from stages.teachers.parts.pieces import WordpieceInputs
from stages.teachers.places import find_teacher
from stages.teachers.questions import QuestionInputs
from tests import tiny, tiny_berts, tiny_words
from tests.teachers.kinds import (
    keras,
    keras_hub,
    module,
    onnx,
    saved_model,
    saved_model_of_tokens,
    source_of,
    transformers,
)

pytestmark = pytest.mark.usefixtures("own_modules_and_cache")

TEXTS = ["the old cat", "zebra cat", "", "cat " * 40, "zebra zebra"]
HEAD = Head(name="thing", classes=tiny.CLASSES)
PER_WORD = Head(name="thing", per="token", classes=tiny_words.CLASSES)
READ = Fluency(
    inputs=5,
    unknown=2,
    nothing_known=False,
    truncated=1,
    places=5,
    unseen=1,
    pieces_per_word=7 / 7,
)
GERMAN = ["der alte baer", "ein rotes haus", "mein neuer hammer", "eine kleine birne"]


@pytest.mark.parametrize(
    "make",
    [keras, saved_model_of_tokens, onnx, keras_hub, transformers],
    ids=lambda one: one.__name__,
)
def test_every_tokenizer_is_counted_alike(make, experiment):
    teacher = load_teacher(source_of(experiment, make(experiment)))
    assert fluency_of(teacher, pa.table({"text": TEXTS}), HEAD) == READ


@pytest.mark.parametrize("make", [saved_model, module])
def test_of_a_teacher_of_texts_nothing_is_said(make, experiment):
    teacher = load_teacher(source_of(experiment, make(experiment)))
    assert fluency_of(teacher, pa.table({"text": TEXTS}), HEAD) is None


def wordpiece(*more, max_length=16):
    return Wordpiece([*tiny.VOCABULARY, *more], lowercase=True, max_length=max_length)


def of_words(lists, pieces, head=PER_WORD, word_pieces=None):
    inputs = pa.table({"words": pa.array(lists, pa.list_(pa.string()))})
    framing = WordpieceInputs.of_words(nothing(inputs, head), pieces).lengths[0]
    return measured(
        WordpieceInputs.of_words(inputs, pieces),
        inputs,
        head,
        unknown_piece=pieces.unknown_id,
        framing=int(framing),
        word_pieces=word_pieces,
    )


def test_words_without_a_piece_or_beyond_the_window_are_unseen():
    pieces = wordpiece("##s", max_length=5)
    found = of_words([["cats", "\u200b"], ["old", "red", "big", "dogs"], ["zebra"]], pieces)
    assert (found.places, found.unseen) == (7, 2)
    assert (found.inputs, found.unknown, found.truncated) == (3, 1, 1)
    assert found.pieces_per_word == 3 / 3
    counts = np.array([2, 0, 1, 1, 1, 2, 1])
    seen_through_windows = of_words(
        [["cats", "\u200b"], ["a"] * 4, ["zebra"]], pieces, word_pieces=counts
    )
    assert seen_through_windows.unseen == 1


def test_what_is_asked_of_a_pointer_is_not_counted():
    head = Head(name="answer", kind="pointer")
    found = of_words([["old", "cat", "[SEP]", "the", "\u200b"]], wordpiece(), head)
    assert (found.places, found.unseen) == (3, 1)
    ends = [np.array([[-1, -1], [0, 0], [2, 3], [-1, -1]])]
    lengths = np.array([6], np.int32)
    inputs = QuestionInputs([[2, 5, 3, 6, 7, 3]], lengths, np.array([False]), None, ends)
    assert inputs.words_seen(np.array([1])) == 2


def test_a_teacher_of_pairs_is_counted(experiment):
    run = tiny.run('corpus.features=["text", "more"]')
    teacher = load_teacher(find_teacher(run, base=experiment, fitted=experiment))
    table = pa.table({"text": ["the cat", ""], "more": ["zebra", ""]})
    found = fluency_of(teacher, table, HEAD)
    assert (found.unknown, found.unseen, found.pieces_per_word) == (1, 1, 1.0)


def corpus(folder, texts, *, known=40):
    rows = [*tiny.examples(known), *({"text": text, "thing": "tool"} for text in texts)]
    tiny.write_corpus(folder / "corpus.jsonl", rows)
    return len({row["text"] for row in rows})


def labelled(folder, *overrides):
    run = tiny.run(*overrides)
    teacher = find_teacher(run, base=folder, fitted=folder)
    return label(plan_label(run, base=folder, teacher=teacher), labels=folder / "labels")


def test_shares_are_said_before_the_teacher_is_asked(experiment, capsys):
    inputs = corpus(experiment, GERMAN)
    labelled(experiment)
    said = capsys.readouterr().err.splitlines()
    [place] = [number for number, line in enumerate(said) if "tokenizer, of a sample" in line]
    share = (
        f"of a sample of {inputs} inputs: 1.00 pieces a word; {len(GERMAN) / inputs:.1%} have an"
    )
    assert share in said[place] and "0.0% are cut; 0.0% of inputs have no piece" in said[place]
    assert place < next(number for number, line in enumerate(said) if "teacher answers" in line)


def test_a_vocabulary_that_no_card_vouches_for_is_said_once(experiment, capsys):
    digest = digest_file(experiment / "teacher" / "vocab.txt")
    line = (
        "label: teacher.json names no digest of vocab.txt, so that lines out of place are not "
        f'seen; "vocabulary": "{digest}" in it holds it from now on'
    )
    labelled(experiment)
    assert capsys.readouterr().err.splitlines().count(line) == 1
    card = experiment / "teacher" / "teacher.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "vocabulary": digest}))
    shutil.rmtree(experiment / "labels")
    labelled(experiment)
    assert "names no digest" not in capsys.readouterr().err


def test_a_limit_of_unknown_pieces_refuses_before_the_first_call(experiment, capsys):
    inputs = corpus(experiment, GERMAN)
    share = len(GERMAN) / inputs
    message = (
        f"reads too little of the corpus: .*teacher: {share:.1%} of the inputs have a piece that "
        "it does not know "
        rf".*expected at most 5.0% as label.max_unknown says"
    )
    with pytest.raises(TeacherError, match=message):
        labelled(experiment, "label.max_unknown=0.05")
    assert "teacher answers" not in capsys.readouterr().err
    assert not (experiment / "labels" / "_delta_log").exists()
    assert labelled(experiment, f"label.max_unknown={share + 1e-6}").card.counts.rows == 44


def test_a_limit_of_inputs_without_a_piece(experiment):
    inputs = corpus(experiment, ["\u200b", "\u200b\u200b"])
    with pytest.raises(
        TeacherError, match=f"{2 / inputs:.1%} of the inputs have no piece .*max_uns"
    ):
        labelled(experiment, "label.max_unseen=0.01")
    assert labelled(experiment, "label.max_unseen=0.5").card.counts.rows == 42


@pytest.mark.parametrize("texts", [GERMAN, ["\u200b", "\u200b\u200b"]])
def test_a_tokenizer_that_knows_nothing_is_always_refused(texts, experiment):
    corpus(experiment, texts, known=0)
    message = "teacher reads nothing of the corpus: .*none has a piece that its tokenizer knows"
    with pytest.raises(TeacherError, match=message):
        labelled(experiment)


def test_limits_change_no_table_and_hold_for_one_that_grows(experiment):
    corpus(experiment, [])
    first = labelled(experiment)
    plans = [
        plan_label(run, base=experiment, teacher=source_of(experiment, []))
        for run in (tiny.run(), tiny.run("label.max_unknown=0.0", "label.max_unseen=0.0"))
    ]
    assert plans[0].fingerprint == plans[1].fingerprint == first.card.plan_fingerprint
    assert plans[0].work == plans[1].work
    corpus(experiment, GERMAN)
    with pytest.raises(TeacherError, match="reads too little"):
        labelled(experiment, "label.max_unknown=0.05")
    assert labelled(experiment).card.counts.rows == 44


OF_WORDS = """
import numpy as np


def make(seen):
    def answer(lists):
        return [np.ones((min(len(words), seen), 4)) * np.arange(4) for words in lists]

    return answer
"""


@pytest.fixture
def words(experiment):
    """A corpus of words, and a teacher of one's own that sees so many of each row."""
    (experiment / "own_teacher.py").write_text(OF_WORDS)
    rows = [
        {"words": row["text"].split(), "tags": ["other"] * len(row["text"].split())}
        for row in tiny.examples(30)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (experiment / "corpus.jsonl").write_text(text)

    def run(seen, *overrides):
        stated = f'kind="module", callable="own_teacher:make", options={{seen={seen}}}'
        return tiny_words.label(experiment, f"teacher={{{stated}}}", *overrides)

    return run


def test_a_teacher_of_ones_own_that_sees_no_position_is_refused(words):
    with pytest.raises(TeacherError, match="reads nothing of the corpus: own_teacher:make: of"):
        words(0)
    assert words(1).card.counts.unseen_positions > 0


def test_one_that_sees_too_few_positions_is_refused_where_that_is_stated(words):
    with pytest.raises(TeacherError, match="of the positions have no piece .* at most 10.0%"):
        words(1, "label.max_unseen=0.1")
    assert words(9, "label.max_unseen=0.1").card.counts.unseen_positions == 0


ENCODER = (
    'teacher={encoder={path="bert"}, max_length=16, '
    "fit={seed=1, epochs=1, batch_size=32, learning_rate=0.01}}"
)


def test_an_encoder_is_held_to_it_before_it_is_taught(experiment, capsys):
    tiny_berts.write_hugging_face(experiment / "bert")
    corpus(experiment, GERMAN * 5, known=120)
    plan = plan_teach(tiny.run(ENCODER, "label.max_unknown=0.0"), base=experiment)
    with pytest.raises(TeacherError, match="reads too little of the corpus: .*bert: "):
        teach(plan, out=experiment / "fitted")
    said = capsys.readouterr().err
    assert "teach: the teacher's tokenizer, of a sample of " in said and "epoch" not in said
    assert not (experiment / "fitted" / "teacher.keras").exists()


def test_an_encoder_that_knows_nothing_is_never_taught(experiment):
    tiny_berts.write_hugging_face(experiment / "bert")
    corpus(experiment, [f"{text} {number}" for number in range(30) for text in GERMAN], known=0)
    plan = plan_teach(tiny.run(ENCODER), base=experiment)
    with pytest.raises(TeacherError, match="teacher reads nothing of the corpus: "):
        teach(plan, out=experiment / "fitted")
