"""Tags that keep to their scheme: the likeliest of all whole rows, found by trying every one."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RunFileError
from stages.evaluate.judge import Judge
from stages.heads.metrics.classes import probabilities
from stages.heads.metrics.decoding import constrained
from stages.heads.metrics.spans import broken_at, span_scores
from stages.rows.lists import offsets_of
from stages.rows.row_logits import RowLogits
from tests import tiny_words

TAGS = {
    "iob1": ("O", "B-A", "I-A", "I-B"),
    "iob2": ("O", "B-A", "I-A", "B-B", "I-B"),
    "ioes": ("O", "B-A", "I-A", "E-A", "S-A"),
}


@pytest.mark.parametrize("scheme", TAGS)
@given(seed=st.integers(0, 10_000), lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3))
@settings(max_examples=25)
def test_it_is_the_likeliest_whole_row(scheme, seed, lengths):
    classes = TAGS[scheme]
    values = np.random.default_rng(seed).normal(0, 2, (sum(lengths), len(classes)))
    answers = RowLogits(values.astype(np.float32), offsets_of(np.array(lengths)))
    found = constrained(answers, classes, scheme)
    log_probs = np.log(probabilities(answers.values))
    for begin, end in zip(answers.offsets[:-1], answers.offsets[1:], strict=True):
        own = log_probs[begin:end]
        whole = [
            path
            for path in product(range(len(classes)), repeat=end - begin)
            if broken_at([classes[tag] for tag in path], scheme) is None
        ]
        best = max(whole, key=lambda path: own[np.arange(len(path)), path].sum())
        assert found[begin:end].tolist() == list(best)


def test_what_was_not_seen_is_outside():
    values = np.array([[0, 9, 0, 0, 0], [np.nan] * 5, [0, 0, 9, 0, 0]], np.float32)
    answers = RowLogits(values, np.array([0, 3]))
    found = constrained(answers, TAGS["iob2"], "iob2")
    assert found.tolist()[:2] == [1, 0]
    assert broken_at([TAGS["iob2"][tag] for tag in found], "iob2") is None


def test_it_needs_a_scheme():
    with pytest.raises(RunFileError, match="needs a head with `tags`"):
        tiny_words.run("evaluate.keep_to_tags=true")


CLASSES = ("O", "B-animal", "I-animal", "B-tool", "I-tool", "B-fruit", "I-fruit")


def tagged(folder, teacher):
    """Label rows of tags; return the table and how."""
    rows = tiny_words.examples(60)
    for row in rows:
        row["tags"] = ["O" if tag == "other" else f"B-{tag}" for tag in row["tags"]]
    tiny_words.write_corpus(folder, rows)
    stated = f'name="thing", per="token", column="tags", tags="iob2", classes={list(CLASSES)}'
    how = (f"heads=[{{{stated}}}]", f'teacher={{kind="module", callable="{teacher}"}}')
    return tiny_words.label(folder, *how), how


def inside_only():
    """Return a teacher whose tags begin with `I-`, which no scheme but IOB1 allows."""
    known = tiny_words.of_spans()

    def answer(lists):
        return [logits[:, [0, 2, 1, 4, 3, 6, 5]] for logits in known(lists)]

    return answer


def test_a_report_scores_the_tags_that_keep_to_the_scheme(tmp_path):
    table, how = tagged(tmp_path, "tests.tiny_words:of_spans")
    judges = {
        kept: Judge(tiny_words.run(*how, f"evaluate.keep_to_tags={kept}"), table)
        for kept in ("true", "false")
    }
    held = judges["true"].rows
    values = np.random.default_rng(1).normal(0, 2, held.teacher.values.shape).astype(np.float32)
    answers = RowLogits(values, held.teacher.offsets)
    owners = np.repeat(np.arange(len(answers.offsets) - 1), np.diff(answers.offsets))
    for kept, predicted in (
        ("true", constrained(answers, CLASSES, "iob2")),
        ("false", values.argmax(axis=1)),
    ):
        found = judges[kept].student(lambda _: answers)
        assert found.spans == span_scores(CLASSES, held.labels, predicted, owners)
    assert judges["true"].student(lambda _: answers) != judges["false"].student(lambda _: answers)


@pytest.mark.parametrize("kept", ["true", "false"])
def test_a_model_agrees_with_itself_however_its_tags_are_decoded(kept, tmp_path):
    table, how = tagged(tmp_path, "tests.heads.test_decoding:inside_only")
    judge = Judge(tiny_words.run(*how, f"evaluate.keep_to_tags={kept}"), table)
    teacher = judge.rows.teacher
    assert (constrained(teacher, CLASSES, "iob2") != teacher.values.argmax(axis=1)).any()
    assert judge.student(lambda _: teacher).agreement == 1.0
