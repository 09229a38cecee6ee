"""One batch for several heads: rows of the table of all, tokenized once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from stages.inputs.wordpiece import Wordpiece
from stages.table.opening import JoinedTable
from stages.train.multi_task.contents import SeveralHeads
from stages.train.multi_task.plan import LabelledTask
from stages.train.stream.stream import SoftLabelStream
from stages.train.stream.words import masked_targets, word_inputs


class SharedRows:
    """What a student of several tasks is asked, and what each of its heads is to answer."""

    def __init__(
        self,
        tasks: Mapping[str, LabelledTask],
        table: JoinedTable,
        *,
        wordpiece: Wordpiece,
        seed: int,
    ) -> None:
        """Plan it.

        Args:
          tasks: by name; those that `check_shared` lets pass.
          table: of all their heads.
          wordpiece: the student's tokenizer.
          seed: of the order of rows.
        """
        layouts = {name: task.table.card.layout for name, task in tasks.items()}
        self._table, self._contents = table, SeveralHeads(layouts)
        self._has_views = {name for name, task in tasks.items() if task.table.card.counts.views}
        self._how = next(iter(tasks.values())).run
        self._wordpiece, self._seed = wordpiece, seed
        self.by_position = {name for name, one in layouts.items() if one.head.by_position}

    def stream(self, *, labelled_only: bool) -> SoftLabelStream:
        """Return the train split.

        Raises:
          TableError: it has no row.
        """
        return SoftLabelStream(
            self._table,
            "train",
            batch_size=self._how.train.batch_size,
            seed=self._seed,
            once=self._how.corpus.repeats == "once",
            labelled_only=labelled_only,
            views_per_pass=self._how.train.views_per_pass,
            contents=self._contents,
        )

    def asked(self, batch: dict[str, Any]) -> tuple[Any, dict[str, dict[str, tf.Tensor]]]:
        """Return what the student is asked about a batch, and by task what it is to answer."""
        views = {"is_view": batch["is_view"]}
        targets = {
            name: {**answers, **(views if name in self._has_views else {})}
            for name, answers in batch["heads"].items()
        }
        length = self._how.train.max_length if self._how.train.xla else None
        if not self.by_position:
            return self._wordpiece.token_ids(batch["text"], length=length), targets
        inputs = word_inputs(self._wordpiece, batch["text"], length=length)
        for name in self.by_position:
            targets[name] = masked_targets(targets[name], inputs["first_pieces"])
        return inputs, targets
