"""Asking the teacher: once for each input, answers in row order, and only usable ones."""

import threading
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import TeacherError
from schemas.heads import Head
from schemas.label_section import Label
from stages.asking.ask import soft_labels
from stages.inputs.find import input_digests
from stages.table.writing.shards import order_rows
from tests import tiny

HEAD = Head(name="thing", classes=("long", "short"))


@dataclass
class Lengths:
    lengths: np.ndarray

    @property
    def overlong(self):
        return self.lengths > 100


class LengthTeacher:
    """Answers with the text's length and its negative; counts what it is asked."""

    classes = ("long", "short")

    def __init__(self, spoil=None):
        self.asked = 0
        self._spoil = spoil

    def encode(self, inputs):
        return Lengths(np.array([len(text) for text in inputs["text"].to_pylist()], np.int32))

    def logits(self, encoded, rows):
        self.asked += len(rows)
        lengths = encoded.lengths[rows].astype(np.float32)
        answer = np.stack([lengths, -lengths], axis=1)
        return self._spoil(answer) if self._spoil else answer


def rows(texts):
    texts = pa.array(texts, pa.string())
    made = pa.table(
        {
            "text": texts,
            "input_digest": input_digests([texts]),
            "example_id": pa.nulls(len(texts), pa.string()),
            "label_thing": pa.nulls(len(texts), pa.string()),
            "source_file": ["f"] * len(texts),
            "source_row": list(range(len(texts))),
        }
    )
    return order_rows(made, tiny.run().head)


def ask(teacher, table, **how):
    how = Label(batch_tokens=8, **how)
    return soft_labels(teacher, table, features=("text",), how=how, head=HEAD)


def test_equal_inputs_are_asked_once_and_all_get_the_answer():
    teacher, table = LengthTeacher(), rows(["aa", "b", "aa", "cccc", "aa"])
    answer = ask(teacher, table)
    assert teacher.asked == answer.calls == 3
    expected = [len(text) for text in table["text"].to_pylist()]
    assert answer.logits[:, 0].tolist() == expected


def test_no_rows_no_calls():
    teacher = LengthTeacher()
    assert ask(teacher, rows([])).logits.shape == (0, 2)
    assert teacher.asked == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_logit_that_is_not_finite_is_refused_with_its_input(bad):
    def spoil(answer):
        answer[answer[:, 0] == 4, 1] = bad
        return answer

    with pytest.raises(
        TeacherError, match=r"input \{'text': 'cccc'\}: it has logits that are not finite"
    ):
        ask(LengthTeacher(spoil), rows(["a", "cccc"]))


class Fragile(LengthTeacher):
    """Raises where a batch, or what is to be encoded, holds a word that it cannot bear."""

    def __init__(self, *words, encoding=False):
        super().__init__()
        self._words, self._encoding = words, encoding

    def encode(self, inputs):
        self._texts = inputs["text"].to_pylist()
        if self._encoding:
            self._bear(self._texts)
        return super().encode(inputs)

    def logits(self, encoded, rows):
        if not self._encoding:
            self._bear([self._texts[row] for row in rows])
        return super().logits(encoded, rows)

    def _bear(self, texts):
        if found := [word for word in self._words if word in texts]:
            raise ValueError(f"cannot bear {found[0]}\nmore lines")


@pytest.mark.parametrize("encoding", [False, True])
def test_a_failing_input_is_found_and_the_others_are_answered(encoding):
    table = rows(["a", "bb", "poison", "ccc", "poison", *(f"{n:07d}" for n in range(40))])
    answer = ask(Fragile("poison", encoding=encoding), table, max_quarantined=2)
    texts = table["text"].to_pylist()
    assert {texts[row] for row in answer.failures} == {"poison"}
    assert len(answer.failures) == 2
    assert set(answer.failures.values()) == {"makes it raise ValueError: cannot bear poison"}
    assert answer.calls == 43
    kept = [row for row in range(45) if row not in answer.failures]
    assert [answer.logits[row, 0] for row in kept] == [len(texts[row]) for row in kept]


@pytest.mark.parametrize("encoding", [False, True])
def test_a_failing_input_is_named_where_nothing_may_be_left_out(encoding):
    with pytest.raises(TeacherError, match=r"input \{'text': 'poison'\}: it makes it raise Value"):
        ask(Fragile("poison", encoding=encoding), rows(["a", "bb", "poison"]))


def test_a_teacher_that_fails_on_everything_is_given_up():
    words = [f"{number:03d}" for number in range(100)]
    with pytest.raises(TeacherError, match="teacher fails on every input: 32 in a row"):
        ask(Fragile(*words), rows(words), max_quarantined=0.9)


def test_an_input_that_is_too_long_is_cut_and_counted_or_left_out():
    table = rows(["a", "b" * 101])
    assert ask(LengthTeacher(), table).truncated == 1
    answer = ask(LengthTeacher(), table, too_long="quarantine", max_quarantined=1)
    assert (answer.truncated, answer.calls) == (0, 1)
    assert list(answer.failures.values()) == ["does not fit the teacher's window"]


def test_another_shape_is_refused():
    with pytest.raises(TeacherError, match=r"found \[2, 1\], expected \[2, 2\]"):
        ask(LengthTeacher(lambda answer: answer[:, :1]), rows(["a", "b"]))


def test_a_vocabulary_without_special_pieces_is_refused(tmp_path):
    from stages.teachers.folder import open_teacher
    from stages.teachers.keras import KerasTeacher

    folder = tiny.write_teacher(tmp_path / "t")
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\ncat")
    with pytest.raises(TeacherError, match=r"3 pieces without \[CLS\], \[SEP\]"):
        KerasTeacher(open_teacher(folder, classes=tiny.CLASSES))


def test_a_model_with_other_inputs_is_refused(tmp_path):
    import keras

    from stages.teachers.folder import open_teacher
    from stages.teachers.keras import KerasTeacher

    folder = tiny.write_teacher(tmp_path / "t")
    pixels = keras.Input((4,), name="pixels")
    keras.Model(pixels, keras.layers.Dense(3)(pixels)).save(folder / "teacher.keras")
    with pytest.raises(TeacherError, match="found pixels, expected some of padding_mask"):
        KerasTeacher(open_teacher(folder, classes=tiny.CLASSES))


def test_keras_teacher_answers_the_same_alone_and_in_a_batch(tmp_path):
    from stages.teachers.folder import open_teacher
    from stages.teachers.keras import KerasTeacher

    folder = open_teacher(tiny.write_teacher(tmp_path / "t"), classes=tiny.CLASSES)
    teacher = KerasTeacher(folder)
    texts = ["the old cat", "fig", "one red saw and my new dear good small big axe " * 3]
    encoded = teacher.encode(pa.table({"text": texts}))
    assert encoded.overlong.tolist() == [False, False, True]
    assert encoded.lengths.max() == folder.max_length
    together = teacher.logits(encoded, np.arange(3))
    for row in range(3):
        alone = teacher.logits(encoded, np.array([row]))
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-5, atol=1e-6)
    assert together.argmax(axis=1).tolist()[:2] == [0, 1]


def test_many_inputs_that_do_not_fit_are_left_out_and_the_others_asked():
    texts = ["x" * (101 + number) for number in range(40)] + ["short"]
    found = ask(LengthTeacher(), rows(texts), too_long="quarantine", max_quarantined=50)
    assert len(found.failures) == 40
    assert found.calls == 1


class Unreadable(LengthTeacher):
    """Cannot preprocess a text that begins with x."""

    def encode(self, inputs):
        if any(text.startswith("x") for text in inputs["text"].to_pylist()):
            raise ValueError("what is that?")
        return super().encode(inputs)


def test_many_inputs_that_cannot_be_preprocessed_are_left_out_where_others_can():
    texts = [f"y{number}" for number in range(40)] + [f"x{number}" for number in range(40)]
    found = ask(Unreadable(), rows(texts), max_quarantined=50)
    assert len(found.failures) == 40
    assert found.calls == 40
    with pytest.raises(TeacherError, match="teacher fails on every input: 32 in a row"):
        ask(Unreadable(), rows(texts[40:]), max_quarantined=50)


class Waiting(LengthTeacher):
    """Answers nothing of its first inputs before the next ones are preprocessed."""

    def __init__(self):
        super().__init__()
        self.encoded = []
        self._second = threading.Event()

    def encode(self, inputs):
        self.encoded.append(inputs.num_rows)
        if len(self.encoded) == 2:
            self._second.set()
        return super().encode(inputs)

    def logits(self, encoded, rows):
        assert self._second.wait(timeout=20)
        return super().logits(encoded, rows)


def test_the_next_inputs_are_preprocessed_while_the_teacher_answers(monkeypatch):
    monkeypatch.setattr("stages.asking.ask._ENCODED_AT_ONCE", 4)
    table = rows([f"{'x' * (1 + number % 5)} {number}" for number in range(10)])
    teacher = Waiting()
    answer = ask(teacher, table)
    assert teacher.encoded == [4, 4, 2]
    expected = [float(len(text)) for text in table["text"].to_pylist()]
    assert answer.logits[:, 0].tolist() == expected
