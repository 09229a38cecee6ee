"""Typing errors: at their rate, one a word, by the draw alone."""

import random

from stages.views.augmenters import find_augmenters
from stages.views.augmenters.around import Around
from tests import tiny

WORDS = ["a", "typing", "error", "née", "ok"] * 400


def typed(seed, rate):
    (augment,) = find_augmenters("drop_characters")
    return augment(WORDS, random.Random(seed).random, Around(rate=rate, token="", other=list))


def test_one_character_is_left_out_of_a_share_of_the_words():
    found = typed(3, 0.25)
    lost = [len(word) - len(other) for word, other in zip(WORDS, found, strict=True)]
    assert set(lost) == {0, 1}
    longer = [loss for loss, word in zip(lost, WORDS, strict=True) if len(word) > 1]
    assert 0.22 < sum(longer) / len(longer) < 0.28
    assert {word for word in found if len(word) == 3 and word[0] in "eéno"} >= {"née"}
    assert "" not in found


def test_it_is_the_same_by_the_same_draw_and_another_by_another():
    assert typed(3, 0.25) == typed(3, 0.25) != typed(4, 0.25)
    (augment,) = find_augmenters("drop_characters")
    draws = iter([0.1, 0.0, 0.9, 0.1, 0.99])
    around = Around(rate=0.5, token="", other=list)
    assert augment(["one", "two", "six"], lambda: next(draws), around) == ["ne", "two", "si"]


def test_a_run_file_may_name_it(tmp_path):
    tiny.write_experiment(tmp_path)
    stated = 'label.views={seed=1, augmenters=[{kind="drop_characters", rate=1.0}]}'
    rows = tiny.rows_of(tiny.label(tmp_path, tmp_path / "labels", stated))
    texts = {row["input_digest"]: row["text"].split() for row in rows if not row["view"]}
    views = [row for row in rows if row["view"]]
    assert len(views) > 10
    for view in views:
        words = texts[view["parent_digest"]]
        assert [len(word) + 1 for word in view["text"].split()] == [len(word) for word in words]
