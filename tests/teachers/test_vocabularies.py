"""A teacher reads by the vocabulary that it was trained with, or not at all."""

import json

import pytest

from schemas.errors import StudentError, TeacherError
from schemas.provenance import digest_file
from stages.teach.pipeline import plan_teach, teach
from stages.teachers.load import load_teacher
from stages.train.start.encoder import open_start
from tests import tiny, tiny_berts
from tests.teachers.kinds import source_of

SHIFTED = [*tiny.VOCABULARY[1:], "more"]
ENCODER = (
    'teacher={encoder={path="bert"}, max_length=16, '
    "fit={seed=1, epochs=1, batch_size=32, learning_rate=0.01}}"
)


def write(folder, pieces):
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        (tiny.VOCABULARY[:-1], "found 26 pieces, and embeddings of 27"),
        ([*tiny.VOCABULARY, "more"], "found 28 pieces, and embeddings of 27"),
        ([*tiny.VOCABULARY[1:], tiny.VOCABULARY[0]], r"found '\[UNK\]' first, expected \[PAD\]"),
        (["", *tiny.VOCABULARY[:-1]], r"found '' first, expected \[PAD\]"),
        (SHIFTED, r"without \[PAD\]"),
    ],
)
def test_one_that_is_shorter_longer_or_shifted_is_refused(pieces, message, experiment):
    write(experiment / "teacher", pieces)
    with pytest.raises(TeacherError, match=f"vocabulary.*: {message}|{message}"):
        load_teacher(source_of(experiment, []))


def test_a_card_may_vouch_for_a_vocabulary_and_changes_no_fingerprint_by_it(experiment):
    folder = experiment / "teacher"
    write(folder, tiny.VOCABULARY[:-1])  # the last row of its table is padding
    source = source_of(experiment, [])
    with pytest.raises(TeacherError) as refused:
        load_teacher(source)
    said = f'"vocabulary": "{digest_file(folder / "vocab.txt")}"'
    assert said in str(refused.value)
    card = (folder / "teacher.json").read_text().removesuffix("}")
    (folder / "teacher.json").write_text(card.replace('"vocabulary":null,', "") + f", {said}}}")
    vouched = source_of(experiment, [])
    assert load_teacher(vouched).parameters > 0
    assert vouched.fingerprint == source.fingerprint


def test_one_that_differs_from_the_card_anywhere_is_refused(experiment):
    folder = experiment / "teacher"
    card = json.loads((folder / "teacher.json").read_text())
    card["vocabulary"] = digest_file(folder / "vocab.txt")
    (folder / "teacher.json").write_text(json.dumps(card))
    assert load_teacher(source_of(experiment, [])).parameters > 0
    pieces = list(tiny.VOCABULARY)
    pieces[-1], pieces[-2] = pieces[-2], pieces[-1]
    write(folder, pieces)
    with pytest.raises(TeacherError, match=f"found digest .*, expected {card['vocabulary']} as"):
        source_of(experiment, [])


def test_a_teacher_that_is_fine_tuned_vouches_for_its_vocabulary(experiment):
    tiny_berts.write_hugging_face(experiment / "bert")
    run, out = tiny.run(ENCODER), experiment / "fitted"
    teach(plan_teach(run, base=experiment), out=out)
    card = json.loads((out / "teacher.json").read_text())
    assert card["vocabulary"] == digest_file(out / "vocab.txt")
    assert open_start(str(out), layers=None).pieces == tiny.VOCABULARY
    pieces = list(tiny.VOCABULARY)
    pieces[9], pieces[10] = pieces[10], pieces[9]
    write(out, pieces)
    with pytest.raises(TeacherError, match="teacher has another vocabulary"):
        teach(plan_teach(run, base=experiment), out=out)
    with pytest.raises(TeacherError, match="teacher has another vocabulary"):
        open_start(str(out), layers=None)


def test_a_start_from_elsewhere_has_a_vocabulary_of_its_length(experiment):
    tiny_berts.write_hugging_face(experiment / "bert")
    out = experiment / "fitted"
    teach(plan_teach(tiny.run(ENCODER), base=experiment), out=out)
    (out / "teacher.json").unlink()
    write(out, tiny.VOCABULARY[:-1])
    with pytest.raises(StudentError, match="start has another vocabulary: .*found 26 pieces"):
        open_start(str(out), layers=None)
