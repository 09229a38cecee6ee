"""Features: no column that tells the answer, or the split, is one of them."""

import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import RunFileError
from schemas.multi_task import parse_multi_task
from tests.schemas.test_run_file import MINIMAL, parse


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (['corpus.features=["text", "topic"]'], "'topic', the column of the hard labels of head"),
        (
            ['corpus.features=["stars"]', 'heads=[{name="topic", classes=["a"], column="stars"}]'],
            "'stars', the column of the hard labels of head 'topic'",
        ),
        (
            ['corpus.features=["text", "part"]', "corpus.split={column='part'}"],
            r"'part', the column of the split \(corpus.split.column\)",
        ),
        (
            ['corpus.features=["text", "said"]', 'teacher={kind="column", column="said"}'],
            r"'said', the column of the teacher's answers \(teacher.column\)",
        ),
    ],
)
def test_a_column_that_tells_the_answer_is_no_feature(overrides, message):
    with pytest.raises(RunFileError, match=message):
        parse(MINIMAL, *[one.replace('["a"]', '["a", "b"]') for one in overrides])


def test_of_several_heads_no_one_s_column_is_a_feature():
    text = MINIMAL.replace(
        "[teacher]", '[[heads]]\nname = "mood"\nclasses = ["c", "d"]\n\n[teacher]'
    )
    tasks = parse_multi_task(text, source="tiny.toml", overrides=['corpus.features=["mood"]'])
    [mood] = [task for task in tasks.tasks if task.name == "mood"]
    with pytest.raises(RunFileError, match="'mood', the column of the hard labels of head 'mood'"):
        tasks.run_of_head(mood, source="tiny.toml")


def test_the_command_says_so_in_one_line(experiment):
    arguments = ["label", "run.toml", "--labels", "labels"]
    done = CliRunner().invoke(main, [*arguments, "--set", 'corpus.features=["text", "thing"]'])
    assert done.exit_code == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "corpus.features has 'thing', the column of the hard labels of head 'thing'" in line
    assert not (experiment / "labels").exists()
