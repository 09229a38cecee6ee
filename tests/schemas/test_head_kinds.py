"""What the run file knows of kinds of heads is what their modules declare."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from schemas import head_kinds
from schemas.head_kinds import Declared, kinds_with, metrics_of, targets_of
from schemas.heads import Head
from schemas.layout import label_type

KINDS = head_kinds.head_kinds


def test_kinds_are_named_in_their_order():
    assert list(KINDS())[:4] == ["softmax", "sigmoid", "regression", "pointer"]


@pytest.mark.parametrize("stated", ["sofmax", 3, None, ["softmax"]])
def test_another_kind_is_refused_with_those_that_there_are(stated):
    with pytest.raises(ValidationError) as error:
        Head(name="h", kind=stated, classes=("a", "b"))
    (found,) = error.value.errors()
    assert found["type"] == "literal_error"
    named = ", ".join(repr(name) for name in list(KINDS())[:-1])
    assert found["ctx"]["expected"] == f"{named} or {list(KINDS())[-1]!r}"


def test_a_kind_says_the_classes_that_its_heads_always_have():
    assert Head(name="score", kind="regression").classes == ("score",)
    answer = Head(name="answer", kind="pointer")
    assert (answer.classes, answer.per, answer.points) == (("start", "end"), "token", True)


def test_targets_are_the_metrics_unless_a_kind_says_otherwise():
    assert targets_of("softmax") == metrics_of("softmax")
    assert targets_of("sigmoid") == (*metrics_of("sigmoid"), "auc")
    assert targets_of("pointer") == ("overlap_f1",)


def test_a_label_by_position_is_a_list_and_one_that_is_a_list_stays_it():
    words = Head(name="h", per="token", classes=("a", "b"))
    assert label_type(words) == pa.list_(pa.string())
    assert label_type(Head(name="h", classes=("a", "b"))) == pa.string()
    assert label_type(Head(name="h", kind="pointer")) == pa.list_(pa.string())
    assert label_type(Head(name="h", kind="regression")) == pa.float64()


def test_what_a_kind_declares_is_known_without_naming_it(monkeypatch):
    said = {"label": "text", "metrics": ("kappa",), "settings": ("top_k",), "fewest": 3}
    found = {**head_kinds.declared("heads"), "stars": said}
    monkeypatch.setattr(head_kinds, "declared", lambda folder: found)
    monkeypatch.setattr("schemas.declared.declared", lambda folder: found)
    KINDS.cache_clear()
    try:
        assert list(KINDS())[-1] == "stars"
        assert KINDS()["stars"] == Declared(
            label="text", metrics=("kappa",), settings=frozenset({"top_k"}), fewest=3
        )
        assert kinds_with("top_k") == "softmax and stars"
        assert targets_of(Head(name="h", kind="stars", classes=("1", "2", "3")).kind) == ("kappa",)
    finally:
        KINDS.cache_clear()
