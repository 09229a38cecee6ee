"""Runs of several tasks that cannot be: said before anything is made."""

import pytest

from schemas.errors import RunFileError, StudentError
from schemas.multi_task import parse_multi_task
from schemas.task_checks import check_shared
from stages.run.experiment import read_run_file
from stages.run.multi_task import run_file_all
from stages.train.multi_task.pipeline import read_multi_task_card
from tests import tiny_heads, tiny_questions, tiny_tasks


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ('tasks=[{name="a", run="a.toml"}]', "tasks: found 1 entries, expected 2 or more"),
        ('tasks=[{name="a", run="x"}, {name="a", run="y"}]', "named twice in ['a', 'a']"),
        (
            'tasks=[{name="a", run="x", train={epochs=3}}, {name="b", run="y"}]',
            "epochs is of the student, not of a task; a task may have loss,",
        ),
        (
            'tasks=[{name="a", run="x", set=["train.loss=dist"]}, {name="b", run="y"}]',
            "'train.loss=dist' is of [train], which all tasks share; state what is otherwise",
        ),
        ("train.epoch=2", "unknown key 'train.epoch'; did you mean 'epochs'?"),
    ],
)
def test_a_run_of_tasks_that_does_not_hold_is_refused(override, said):
    with pytest.raises(RunFileError) as error:
        tiny_tasks.run(override)
    assert said in str(error.value)


def test_other_commands_name_what_takes_several_tasks(tmp_path):
    with pytest.raises(RunFileError, match="has several tasks: .*both.toml. Give it to `run`"):
        read_run_file(tiny_tasks.write(tmp_path))


def test_what_no_student_learns_is_said_before_any_teacher_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tiny_tasks.write(tmp_path)
    loss = "tasks=[{name='thing', run='thing.toml'}, {name='words', run='words.toml', train=LOSS}]"
    stated = (loss.replace("LOSS", "{loss='dist'}"),)
    with pytest.raises(StudentError, match="loss cannot be used: words: dist compares examples"):
        list(run_file_all(path, stated, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_student_of_tasks_is_said(tmp_path):
    with pytest.raises(StudentError, match="no student of several tasks: "):
        read_multi_task_card(tmp_path)


def test_a_head_that_is_named_as_two_tasks_is_refused():
    twice = '\n[[tasks]]\nname = "word"\nset = ["teacher.options={window=3}"]\n'
    with pytest.raises(RunFileError, match=r"named twice in \['thing', 'word', 'word'\]"):
        parse_multi_task(tiny_heads.RUN_TEXT + twice, source="commands.toml")


def test_questions_and_texts_share_no_batches():
    words = ("corpus.format=jsonl", 'corpus.features=["words"]')
    asked = tiny_questions.run(*words)
    topic = 'heads=[{name="topic", classes=["a", "b"]}]'
    of_texts = tiny_questions.run(*words, topic)
    of_words = tiny_questions.run(*words, topic.replace("name", 'per="token", name'))
    check_shared({"answer": asked, "word": of_words})
    check_shared({"topic": of_texts, "word": of_words})
    with pytest.raises(
        RunFileError, match="'answer' asks a question of each row's words, and 'topic'"
    ):
        check_shared({"answer": asked, "topic": of_texts})
