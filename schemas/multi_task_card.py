"""The card of a student of several tasks: what determined it, and how its training went."""

from __future__ import annotations

from schemas.heads import Head
from schemas.student_card import TrainedCard

MULTI_TASK_CARD_FILE = "tasks.json"
MEAN_FIGURE = "val_mean"  # over the tasks, of the figure that decides for each


class MultiTaskCard(TrainedCard):
    """`tasks.json` beside `student.keras`, which has an output for each task, and `vocab.txt`.

    Attributes:
      tasks: what each output predicts, by its name.
      epochs: of each task as `task.figure`; `loss` and `val_mean` are of all of them.
    """

    file = MULTI_TASK_CARD_FILE
    absent = "no student of several tasks"
    remedy = "Run `run`."

    tasks: dict[str, Head]
