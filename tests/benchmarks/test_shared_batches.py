"""An epoch of a student of two heads: a batch of rows shared by both against a batch for each."""

import pytest

from stages.combine.heads import join_heads
from stages.run.multi_task import task_run
from stages.train.multi_task.plan import LabelledTask
from tests import tiny, tiny_heads
from tests.benchmarks.measure import interleaved, show
from tests.train.multi_task.courses import course_of

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

ROWS = 8_000
STUDENTS = {
    "lstm": '{name="lstm", kind="lstm", options={embedding_width=64, units=64}}',
    "bert": '{name="bert", kind="bert", options={hidden_width=128, inner_width=512}}',
}
SPLIT = "corpus.split={validation=0.1, test=0.1}"


def epoch(folder, table, student, batches):
    """Return what trains for an epoch."""
    how = (f"train.students=[{STUDENTS[student]}]", "train.batch_size=64", "train.baseline=false")
    run = tiny_heads.run(SPLIT, *how, f"batches={batches}", third=False)
    tasks = {}
    for task in run.tasks:
        own = task_run(run, task, base=folder)
        tasks[task.name] = LabelledTask(own, table.part(own.head), task.weight)
    lesson = course_of(run, tasks, folder / "unused").lesson(0)
    fed = lesson.batches(0)
    how = {"steps_per_epoch": lesson.steps_per_epoch, "verbose": 0, "shuffle": False}
    return lambda: lesson.model.fit(fed, **how)


@pytest.mark.parametrize("student", STUDENTS)
def test_an_epoch_of_shared_batches(tmp_path, monkeypatch, student):
    monkeypatch.chdir(tmp_path)
    tiny_heads.write(tmp_path)
    rows = [
        {
            **row,
            "thing": row["thing"] or "tool",
            "tags": row["tags"] or ["other"] * len(row["words"]),
        }
        for row in tiny_heads.examples(ROWS)
    ]
    tiny.write_corpus(tmp_path / "both.jsonl", rows)
    tables = tiny_heads.labelled(tmp_path, tiny_heads.run(SPLIT, third=False))
    table = join_heads(tables, labels=tmp_path / "labels")
    works = {kind: epoch(tmp_path, table, student, kind) for kind in ("own", "shared")}
    medians = interleaved(works, repeats=5)
    show(f"an epoch of two heads, {student}", medians, reference="own", units=len(rows))
    assert min(medians.values()) > 0
