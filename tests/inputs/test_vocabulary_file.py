"""A vocabulary holds pieces that a tokenizer can tell apart, or says which line does not."""

import pytest

from schemas.errors import AssetError, PipelineError, TeacherError
from stages.inputs.vocabulary_file import read_vocabulary
from stages.inputs.wordpiece import Wordpiece
from stages.teachers.folder import open_teacher
from stages.teachers.load import load_teacher
from stages.train.start.vocabulary import given_vocabulary
from tests import tiny

WHOLE = "\n".join(tiny.VOCABULARY).encode()
DAMAGES = {
    "twice": (WHOLE + b"\nthe", "line 28 repeats 'the' of line 6. Expected a piece a line"),
    "nothing, twice": (WHOLE + b"\n\n\n", "line 29 repeats '' of line 28"),
    "NUL": (WHOLE + b"\nb\0", r"line 28 has a NUL: 'b\x00'"),
    "no UTF-8": (WHOLE + b"\n\xff\xfe", "line 28 is no UTF-8: invalid start byte"),
    "half": (WHOLE[:40] + b"\xe2\x82", "is no UTF-8: unexpected end of data"),
    "long": (WHOLE + b"\n##" + b"x" * 257, "line 28 is longer than 256 bytes"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_vocabulary_is_said_by_its_line(damage, tmp_path):
    data, message = DAMAGES[damage]
    path = tmp_path / "vocab.txt"
    path.write_bytes(data)
    for read in (read_vocabulary, given_vocabulary):
        with pytest.raises(AssetError) as failure:
            read(path)
        assert f"vocabulary cannot be used: {path}: " in str(failure.value)
        assert message in str(failure.value)
        assert str(failure.value).isprintable()


@pytest.mark.parametrize("place", ["none", ".", "vocab.txt/inner"])
def test_a_vocabulary_that_is_no_file_is_said(place, tmp_path):
    (tmp_path / "vocab.txt").write_bytes(WHOLE)
    with pytest.raises(AssetError, match="vocabulary cannot be read: .* directory"):
        read_vocabulary(tmp_path / place)


@pytest.mark.parametrize("data", [WHOLE, WHOLE + b"\n", WHOLE.replace(b"\n", b"\r\n")])
def test_a_whole_vocabulary_is_read_in_order(data, tmp_path):
    (tmp_path / "vocab.txt").write_bytes(data)
    assert read_vocabulary(tmp_path / "vocab.txt") == tiny.VOCABULARY


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_teacher_with_a_damaged_vocabulary_is_stated(damage, experiment):
    (experiment / "teacher" / "vocab.txt").write_bytes(DAMAGES[damage][0])
    with pytest.raises(PipelineError, match="vocabulary"):
        load_teacher(open_teacher(experiment / "teacher", classes=tiny.CLASSES))


def test_pieces_that_no_tokenizer_takes_are_stated():
    with pytest.raises(TeacherError, match="vocabulary cannot be used: 28 pieces: .*unique"):
        Wordpiece([*tiny.VOCABULARY, "the"], lowercase=True, max_length=8)
