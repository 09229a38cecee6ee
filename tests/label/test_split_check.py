"""A corpus that lacks a split which the run needs is refused before its teacher is asked."""

import pytest

from tests import tiny
from tests.end_to_end.test_commands import command


@pytest.mark.parametrize("lacking", ["train", "validation", "test"])
def test_a_split_that_no_row_of_a_column_is_in_is_said_first(experiment, lacking):
    parts = [part for part in ("train", "validation", "test") if part != lacking]
    rows = [{**row, "part": parts[n % 2]} for n, row in enumerate(tiny.examples(20))]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    how = ("--set", 'corpus.split={column="part"}')
    done = command("run", "run.toml", "--out", "out", *how)
    assert done.exit_code == 1
    assert f"error: corpus has no row in split '{lacking}': tiny: found " in done.stderr
    assert "label:" not in done.stderr


@pytest.mark.parametrize(
    "stated",
    [
        "corpus.split={validation=0.2, test=0.0}",
        'corpus.files=[{path="corpus.jsonl", split="train"}, {path="v.jsonl", split="validation"}]',
    ],
)
def test_so_is_one_of_no_file_and_a_fraction_of_0(experiment, stated):
    tiny.write_corpus(experiment / "v.jsonl", tiny.examples(7))
    done = command("run", "run.toml", "--out", "out", "--set", stated)
    assert done.exit_code == 1
    assert "error: corpus has no row in split 'test': tiny: found train, validation" in done.stderr
    assert "label:" not in done.stderr
