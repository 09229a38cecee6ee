"""Tiny real things for tests: a corpus, a linear Keras teacher, a run file.

The teacher is a real Keras model over word pieces; only its size and its weights are small.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq

from schemas.layout import SPLIT_COLUMN, SPLITS
from schemas.run_file import RunFile, parse_run_file
from stages.table.opening import JoinedTable, SoftLabelTable, open_table
from stages.teachers.folder import open_teacher

CLASSES = ("animal", "fruit", "tool")
_WORDS = {
    "animal": ["cat", "dog", "horse", "fish"],
    "fruit": ["apple", "pear", "plum", "fig"],
    "tool": ["saw", "axe", "drill", "file"],
}
_FILLERS = ["the", "old", "red", "big", "one", "my", "good", "small", "new", "dear"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_FILLERS, *sum(_WORDS.values(), [])]

RUN_TEXT = """
name = "tiny"

[corpus]
format = "jsonl"
files = [{path = "corpus.jsonl"}]
split = { validation = 0.2, test = 0.2 }

[[heads]]
name = "thing"
classes = ["animal", "fruit", "tool"]

[teacher]
path = "teacher"

[label]
num_shards = 4

[train]
seeds = [1]
epochs = 2
batch_size = 16
students = [{name = "bag", kind = "bag", options = {embedding_width = 8, units = 8}}]

[evaluate]
latency_calls = 5
"""


def examples(count: int = 120) -> list[dict[str, str]]:
    """Return labelled rows, some of which repeat."""
    rows = []
    for number in range(count):
        label = CLASSES[number % 3]
        words = _WORDS[label]
        fillers = [_FILLERS[(number * step + step) % 10] for step in (1, 3, 7)][: 1 + number % 3]
        rows.append({"text": " ".join([*fillers, words[number % 4]]), "thing": label})
    return rows


def write_corpus(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_teacher(folder: Path, *, classes: tuple[str, ...] = CLASSES, bias: float = 0.0) -> Path:
    """Write a teacher that knows every word's class: the mean of its words' one-hot logits."""
    import keras
    import numpy as np

    from schemas.teacher_card import TeacherCard

    folder.mkdir(parents=True, exist_ok=True)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    embedding = keras.layers.Embedding(len(VOCABULARY), len(classes), mask_zero=True)
    pooled = keras.layers.GlobalAveragePooling1D()(embedding(token_ids))
    logits = keras.layers.Dense(len(classes), name="logits")(pooled)
    model = keras.Model({"token_ids": token_ids}, logits)
    table = np.random.default_rng(5).normal(0, 0.1, (len(VOCABULARY), len(classes)))
    for number, label in enumerate(classes):
        for word in _WORDS.get(label, []):
            table[VOCABULARY.index(word), number] += 8.0
    biases = np.full(len(classes), bias, np.float32)
    model.set_weights([table.astype(np.float32), np.eye(len(classes), dtype=np.float32), biases])
    model.save(folder / "teacher.keras")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    card = TeacherCard(classes=classes, max_length=16, lowercase=True)
    (folder / "teacher.json").write_text(card.model_dump_json(), encoding="utf-8")
    return folder


def write_touchy_teacher(folder: Path) -> Path:
    """Write the teacher with one more word, `poison`, that its graph cannot look up."""
    from schemas.provenance import digest_file
    from stages.teachers.folder import read_card

    write_teacher(folder)
    text = "\n".join([*VOCABULARY, "poison"])
    (folder / "vocab.txt").write_text(text, encoding="utf-8")
    vouched = {"vocabulary": digest_file(folder / "vocab.txt")}  # or else it would be refused
    card = read_card(folder).model_copy(update=vouched)
    (folder / "teacher.json").write_text(card.model_dump_json(), encoding="utf-8")
    return folder


def write_experiment(folder: Path, *, rows: list[dict[str, str]] | None = None) -> Path:
    """Write corpus, teacher and run file into a folder; return the run file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_corpus(folder / "corpus.jsonl", examples() if rows is None else rows)
    write_teacher(folder / "teacher")
    path = folder / "run.toml"
    path.write_text(RUN_TEXT, encoding="utf-8")
    return path


def run(*overrides: str) -> RunFile:
    """Return the tiny run file with overrides."""
    return parse_run_file(RUN_TEXT, source="tiny.toml", overrides=overrides)


def label(
    folder: Path,
    labels: Path,
    *overrides: str,
    beam: tuple[str, ...] = (),
    max_shuffle_bytes: int | None = None,
) -> SoftLabelTable:
    """Label the experiment in a folder."""
    from stages.label.pipeline import label
    from stages.label.planning.plan import Machinery, plan_label

    how = run(*overrides)
    teacher = open_teacher(folder / "teacher", classes=how.head.classes)
    plan = plan_label(how, base=folder, teacher=teacher)
    return label(plan, labels=labels, machinery=Machinery(beam, max_shuffle_bytes))


def label_run(folder: Path, how: RunFile, labels: str = "labels") -> SoftLabelTable:
    """Label a run's corpus with the teacher that it names, or that was fitted into `made`."""
    from stages.label.pipeline import label
    from stages.label.planning.plan import plan_label
    from stages.teachers.places import find_teacher

    teacher = find_teacher(how, base=folder, fitted=folder / "made")
    return label(plan_label(how, base=folder, teacher=teacher), labels=folder / labels)


def rows_of_files(table: JoinedTable) -> list[dict[str, object]]:
    """Return every row of a table of several heads, file by file."""
    rows = []
    for shard in table.shards:
        found = pq.read_table(shard.path, partitioning=None)
        rows += [{"split": shard.split, **row} for row in found.to_pylist()]
    return rows


def rows_of(table: SoftLabelTable) -> list[dict[str, object]]:
    """Return every row of a table, split by split, in the table's order."""
    columns = table.card.layout.table_schema.names
    columns.remove(SPLIT_COLUMN)
    rows = []
    for split in SPLITS:
        rows += [{"split": split, **row} for row in table.read(split, columns).to_pylist()]
    return rows


def copied(table: SoftLabelTable) -> SoftLabelTable:
    """Return a table with the same files in a folder beside it."""
    return open_table(shutil.copytree(table.path, table.path.with_name(f"{table.path.name}-copy")))
