"""Write the golden tables of the current format: `python -m tests.golden.write`.

Run it when the format version changes; tables that are there are kept.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from schemas.soft_labels import FORMAT_VERSION, JOINED_FORMAT_VERSION
from stages.combine.heads import join_heads
from stages.table.opening import JoinedTable, SoftLabelTable
from tests import tiny, tiny_heads, tiny_kinds, tiny_questions, tiny_words

FOLDER = Path(__file__).parent
JOINED = f"v{JOINED_FORMAT_VERSION}-heads"


def plain(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return rows as JSON can hold them."""
    return [
        {key: value.hex() if isinstance(value, bytes) else value for key, value in row.items()}
        for row in rows
    ]


def of_texts(folder: Path) -> SoftLabelTable:
    """Label texts."""
    tiny.write_experiment(folder, rows=[*tiny.examples(24), {"text": "one fig", "thing": None}])
    return tiny.label(folder, folder / "labels", "label.num_shards=1")


def of_words(folder: Path) -> SoftLabelTable:
    """Label words, some of which the teacher does not see."""
    tiny_words.write_corpus(folder, tiny_words.examples(24))
    return tiny_words.label(folder, "label.num_shards=1")


def of_labels(folder: Path) -> SoftLabelTable:
    """Label texts that have several classes, or none of them."""
    tiny_kinds.write(folder, [*tiny_kinds.examples(24), {"text": "the", "thing": []}])
    return tiny.label_run(folder, tiny_kinds.run(tiny_kinds.OF_LABELS, "label.num_shards=1"))


def of_values(folder: Path) -> SoftLabelTable:
    """Label texts that have a number, or none."""
    tiny_kinds.write(folder, [*tiny_kinds.examples(24), {"text": "one fig", "score": None}])
    return tiny.label_run(folder, tiny_kinds.run(tiny_kinds.OF_VALUES, "label.num_shards=1"))


def of_pointers(folder: Path) -> SoftLabelTable:
    """Label questions, some of which have no answer."""
    tiny_questions.write(folder, tiny_questions.questions(24))
    return tiny_questions.label(folder, "label.num_shards=1")


def of_heads(folder: Path) -> JoinedTable:
    """Label two heads of one corpus and a third of another, and join them."""
    tiny_heads.write(folder)
    tables = tiny_heads.labelled(folder, tiny_heads.run("label.num_shards=1"))
    return join_heads(tables, labels=folder / "labels")


MAKERS = {
    "": of_texts,
    "-words": of_words,
    "-labels": of_labels,
    "-values": of_values,
    "-pointers": of_pointers,
}


def main() -> None:
    wanted = {f"v{FORMAT_VERSION}{name}": label for name, label in MAKERS.items()}
    for name, label in {**wanted, JOINED: of_heads}.items():
        if (FOLDER / name).exists():
            continue
        with tempfile.TemporaryDirectory() as place:
            os.chdir(place)
            table = label(Path(place))
            is_joined = isinstance(table, JoinedTable)
            rows = plain(tiny.rows_of_files(table) if is_joined else tiny.rows_of(table))
            shutil.copytree(table.path, FOLDER / name)
        (FOLDER / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
