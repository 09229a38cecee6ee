"""Sizes that no student can have are refused before anything is labelled or built."""

import inspect

import pytest

from schemas.errors import PipelineError, RunFileError, StudentError
from schemas.student_options import options_of, sizes_of, student_kinds, weights_of
from schemas.train_section import Student
from stages.train.pipeline import check_learnable
from stages.train.start import sizes as student_sizes
from stages.train.students import build_student
from stages.train.students.mobilebert import Shape
from tests import tiny

KINDS = student_kinds()
SIZES = [(kind, name) for kind in KINDS for name in options_of(kind) if name != "dropout"]
ABSURD = ["0", "-1", "1000000", "9223372036854775807", "1.5", "true", "'8'", "''"]


def stated(kind, **options):
    inner = ", ".join(f"{name}={value}" for name, value in options.items())
    return f'train.students=[{{name="x", kind="{kind}", options={{{inner}}}}}]'


@pytest.mark.parametrize("value", ABSURD)
@pytest.mark.parametrize(("kind", "name"), SIZES)
def test_no_size_is_absurd(kind, name, value):
    with pytest.raises(RunFileError) as failure:
        tiny.run(stated(kind, **{name: value}))
    assert f"options.{name} of kind {kind!r} is " in str(failure.value)
    assert "expected a whole number from " in str(failure.value)


@pytest.mark.parametrize("value", ["1", "1.0", "-0.1", "2", "true", "'0.1'"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_dropout_leaves_something(kind, value):
    with pytest.raises(RunFileError, match="expected a number from 0 on, below 1"):
        tiny.run(stated(kind, dropout=value))
    assert tiny.run(stated(kind, dropout="0.5")).train.students[0].options == {"dropout": 0.5}


def test_a_convolution_sees_two_pieces_or_more():
    with pytest.raises(RunFileError, match="options.widest of kind 'cnn' is 1, expected a whole"):
        tiny.run(stated("cnn", widest=1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_options_are_those_of_the_builder_and_their_defaults_its_own(kind):
    from importlib import import_module

    build = import_module(f"stages.train.students.{kind}").build
    makers = [build, Shape] if kind == "mobilebert" else [build]
    found = {
        name: one.default
        for maker in makers
        for name, one in inspect.signature(maker).parameters.items()
        if one.default is not inspect.Parameter.empty and name != "per"
    }
    assert found.keys() == options_of(kind).keys()
    assert {name: value for name, value in found.items() if name != "dropout"} == sizes_of(kind)


LARGER = {
    "bag": {"embedding_width": 48, "units": 96},
    "gru": {"embedding_width": 48, "units": 96},
    "lstm": {"embedding_width": 48, "units": 96},
    "cnn": {"embedding_width": 48, "filters": 96, "widest": 6},
    "bert": {"layers": 3, "hidden_width": 64, "heads": 4, "inner_width": 96, "max_length": 40},
    "mobilebert": {"layers": 3, "bottleneck_width": 64, "feed_forwards": 2, "max_length": 40},
}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_counted_before_they_are_made(kind):
    made = build_student(
        Student(name="x", kind=kind, options=LARGER[kind]), vocabulary_size=500, classes=7
    )
    told = weights_of(kind, LARGER[kind], pieces=500, classes=7)
    assert 0.97 * made.count_params() < told <= made.count_params()


def test_a_student_beyond_memory_is_refused_before_anything_is_labelled(monkeypatch):
    monkeypatch.setattr(student_sizes, "_memory_bytes", lambda: 2**34)
    run = tiny.run(stated("lstm", units=65_536))
    said = r"kind 'lstm': 34,393,\d+,\d+ weights need 513 GiB to be trained, this machine has 16"
    with pytest.raises(StudentError, match=said):
        check_learnable(run)
    with pytest.raises(StudentError, match="State smaller options: embedding_width, units"):
        build_student(run.train.students[0], vocabulary_size=20, classes=3)
    check_learnable(tiny.run(stated("lstm", units=512)))


def without_memory(*, vocabulary_size, classes):
    raise MemoryError("no room for it")


def test_a_builder_that_finds_no_memory_is_stated():
    student = Student(name="x", kind="tests.train.test_student_options:without_memory")
    with pytest.raises(PipelineError, match="your own code raised: .*no room for it"):
        build_student(student, vocabulary_size=20, classes=3)


@pytest.mark.parametrize(
    ("kind", "width"), [("bert", "hidden_width"), ("mobilebert", "bottleneck_width")]
)
def test_there_are_no_more_heads_than_width(kind, width):
    student = Student(name="x", kind=kind, options={"layers": 1, width: 32, "heads": 64})
    with pytest.raises(StudentError, match="student cannot be built"):
        build_student(student, vocabulary_size=20, classes=3)
