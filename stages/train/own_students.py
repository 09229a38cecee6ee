"""Which process trains a student, and what ended ones left of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stages.machine.atomic import remove_strays
from stages.machine.cluster import writes_here
from stages.machine.own_folders import folder_alone
from stages.train.plan import CHECKPOINTS_FOLDER, StudentPlan


@contextmanager
def students_alone(
    waiting: Sequence[StudentPlan], plans: Sequence[StudentPlan], *, places: Sequence[Path]
) -> Iterator[None]:
    """Be the one process that trains some students, from before the first to after the last.

    Others may train other students beside them. Of the workers of a cluster the first one writes,
    and it alone is meant.

    Args:
      waiting: that are to be trained.
      plans: all, of which the others are there: what is left of their trainings goes.
      places: where they and what is derived of them are written.

    Raises:
      BusyError: another process trains one of them.
    """
    with ExitStack() as held:
        if writes_here():
            for plan in waiting:
                held.enter_context(folder_alone(plan.path))
            remove_strays(*places)
            for plan in plans:
                if plan not in waiting:
                    shutil.rmtree(_checkpoints(plan), ignore_errors=True)
        yield


def _checkpoints(plan: StudentPlan) -> Path:
    return plan.path / CHECKPOINTS_FOLDER / plan.fingerprint
