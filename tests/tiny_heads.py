"""Two heads of one tiny corpus of words, and a third of another; teachers for all in code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from schemas.multi_task import MultiTask, parse_multi_task
from stages.table.opening import SoftLabelTable
from tests import tiny, tiny_words

RUN_TEXT = f"""
name = "commands"

[corpus]
format = "jsonl"
files = [{{ path = "both.jsonl" }}]
features = ["words"]
feature_kinds = {{ words = "words" }}
split = {{ validation = 0.2, test = 0.2 }}

[[heads]]
name = "thing"
classes = {json.dumps(tiny.CLASSES)}

[[heads]]
name = "word"
per = "token"
column = "tags"
classes = {json.dumps(tiny_words.CLASSES)}

[teacher]
kind = "module"
callable = "tests.tiny_words:make"
options = {{ window = 6 }}

[label]
num_shards = 4

[[tasks]]
name = "thing"
set = ["teacher.callable='tests.tiny_heads:of_rows'", "teacher.options={{}}"]

[[tasks]]
name = "word"
weight = 2.0

[train]
seeds = [1]
epochs = 2
batch_size = 16
students = [{{ name = "lstm", kind = "lstm", options = {{ embedding_width = 8, units = 8 }} }}]

[evaluate]
latency_calls = 5
"""

WITH_A_THIRD = '[[tasks]]\nname = "kinds"\nrun = "kinds.toml"\n'

_KINDS_TEXT = f"""
name = "kinds"

[corpus]
format = "jsonl"
files = [{{ path = "kinds.jsonl" }}]
features = ["words"]
feature_kinds = {{ words = "words" }}
split = {{ validation = 0.2, test = 0.2 }}

[[heads]]
name = "kinds"
kind = "sigmoid"
classes = {json.dumps(tiny.CLASSES)}

[teacher]
kind = "module"
callable = "tests.tiny_heads:of_rows"

[label]
num_shards = 2
precision = "float32"

[train]
seeds = [9]
students = [{{ name = "unused", kind = "bag" }}]

[evaluate]
latency_calls = 5
"""


def of_rows():
    """Return a teacher of rows of words: a logit for each class, by how many words are of it."""

    def answer(lists):
        found = [[tiny_words._CLASS_OF.get(word) for word in words] for words in lists]
        counts = [[one.count(name) for name in tiny.CLASSES] for one in found]
        return np.array(counts, np.float32).reshape(-1, len(tiny.CLASSES)) * 4 - 2

    return answer


def examples(count: int = 60) -> list[dict[str, object]]:
    """Return rows of words with tags, and most with the class of the row; some repeat."""
    rows = tiny_words.examples(count)
    for number, row in enumerate(rows):
        row["thing"] = tiny.CLASSES[number % 3] if number % 5 else None
        row["tags"] = row["tags"] if number % 4 else None
    return [*rows, *rows[:7], {**rows[1], "thing": "tool"}]


def _kinds_of(words: list[str]) -> list[str]:
    there = {tiny_words._CLASS_OF.get(word) for word in words}
    return [name for name in tiny.CLASSES if name in there]


def write(folder: Path) -> Path:
    """Write corpora and run files; return the path of the run of all heads."""
    tiny.write_corpus(folder / "both.jsonl", examples())
    rows = [
        {"words": row["words"], "kinds": _kinds_of(row["words"])}
        for row in [*examples(20), *examples(90)[60:]]
    ]
    tiny.write_corpus(folder / "kinds.jsonl", rows)
    (folder / "kinds.toml").write_text(_KINDS_TEXT, encoding="utf-8")
    path = folder / "commands.toml"
    path.write_text(RUN_TEXT + WITH_A_THIRD, encoding="utf-8")
    return path


def run(*overrides: str, third: bool = True) -> MultiTask:
    """Return the run of two heads of a corpus, and of a third of another."""
    text = RUN_TEXT + WITH_A_THIRD if third else RUN_TEXT
    return parse_multi_task(text, source="commands.toml", overrides=overrides)


def labelled(folder: Path, how: MultiTask) -> dict[str, SoftLabelTable]:
    """Label each task of a run into a table of its own."""
    from stages.run.multi_task import task_run

    runs = {task.name: task_run(how, task, base=folder) for task in how.tasks}
    return {name: tiny.label_run(folder, own, f"own/{name}") for name, own in runs.items()}
