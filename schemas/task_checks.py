"""What the run files of several tasks must agree on, found before anything is labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.errors import RunFileError
from schemas.layout import Layout
from schemas.run_file import RunFile

_ALIKE: dict[str, Callable[[RunFile], Any]] = {
    "corpus.features": lambda run: list(run.corpus.features),
    "corpus.feature_kinds": lambda run: run.corpus.feature_kinds,
    "corpus.repeats": lambda run: run.corpus.repeats,
    "train.batch_size": lambda run: run.train.batch_size,
    "train.views_per_pass": lambda run: run.train.views_per_pass,
}
_OF_OWN_BATCHES: dict[str, Callable[[RunFile], Any]] = {
    "train.loss": lambda run: run.train.loss if run.train.loss == "dist" else None,
    "train.stride": lambda run: run.train.stride,
}


def check_columns(layouts: Mapping[str, Layout], *, source: str) -> None:
    """Compare what tasks call the columns of their tables, which become one.

    Args:
      layouts: by task.
      source: name of what states them, for messages.

    Raises:
      RunFileError: two columns that mean other things have one name.
    """
    owners: dict[str, tuple[str, object]] = {}
    for task, layout in layouts.items():
        features = [(field.name, field.type) for field in layout.feature_fields]
        head = [layout.head.presence_column, layout.head.label_column, *layout.logit_columns]
        for column, kind in (*features, *((name, None) for name in head)):
            if column not in owners:
                owners[column] = (task, kind)
            elif kind is None or kind != owners[column][1]:
                raise RunFileError(
                    f"tasks cannot be in one table: {source}: {owners[column][0]!r} and {task!r} "
                    f"both have a column {column!r}, and mean other things by it. Give the head, "
                    "or the feature, of one of them another name."
                )


def check_shared(runs: Mapping[str, RunFile]) -> None:
    """Refuse tasks that cannot have batches of one table's rows.

    Raises:
      RunFileError: they differ in what is asked or how many rows at once, or one of them compares
        the rows of a batch, or sees long rows through windows; or rows are questions to one, and
        texts to another.
    """
    for key, of in _ALIKE.items():
        found = {name: of(run) for name, run in runs.items()}
        if any(value != next(iter(found.values())) for value in found.values()):
            raise RunFileError(
                f"tasks cannot share batches: found {key} {found}, expected the same of all. State "
                'it alike, or batches = "own".'
            )
    pointers = [name for name, run in runs.items() if run.head.points]
    of_texts = [name for name, run in runs.items() if not run.head.by_position]
    if pointers and of_texts:
        raise RunFileError(
            f"tasks cannot share batches: {pointers[0]!r} asks a question of each row's words, and "
            f'{of_texts[0]!r} reads the row as a text. State batches = "own".'
        )
    for name, run in runs.items():
        for key, of in _OF_OWN_BATCHES.items():
            if (stated := of(run)) is not None:
                raise RunFileError(
                    f"tasks cannot share batches: {name!r} has {key} = {stated!r}, which is for "
                    'batches of its own. Leave it out, or state batches = "own".'
                )
