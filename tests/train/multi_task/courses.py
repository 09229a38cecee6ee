"""What a student of several tasks would be trained on, without training it."""

from __future__ import annotations

import pytest

from stages.train.fit import Training
from stages.train.multi_task.pipeline import train_multi_task
from tests.train.interrupted import Stop


def course_of(run, tasks, out):
    """Return the course of a run's first student."""
    courses = []

    def kept(training, course, **how):
        courses.append(course)
        raise Stop

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Training, "__init__", kept)
        with pytest.raises(Stop):
            train_multi_task(run, tasks, out=out)
    return courses[0]
