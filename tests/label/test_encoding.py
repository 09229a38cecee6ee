"""`auto` chooses once, says what it costs, and later runs keep to it."""

import pytest

from schemas.layout import Encoding
from stages.label.planning.forecast import forecast
from stages.label.planning.plan import plan_label
from stages.teachers.folder import open_teacher
from tests import tiny

AUTO = "label.precision=auto"


def test_auto_is_measured_stated_and_kept(experiment, capsys):
    table = tiny.label(experiment, experiment / "labels", AUTO)
    assert table.card.kl_nats <= 1e-3
    assert "bytes a row, mean KL" in capsys.readouterr().err
    rows = [*tiny.examples(), {"text": "brand new saw", "thing": "tool"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    again = tiny.label(experiment, experiment / "labels", AUTO)
    assert again.card.counts.teacher_calls == 1
    assert again.card.encoding == table.card.encoding
    assert again.card.kl_nats == table.card.kl_nats
    assert "mean KL" not in capsys.readouterr().err


def test_another_budget_is_measured_anew(experiment):
    tiny.label(experiment, experiment / "labels", AUTO)
    table = tiny.label(experiment, experiment / "labels", AUTO, "label.kl_budget_nats=1e-12")
    assert table.card.encoding == Encoding(precision="float32")


def test_a_forecast_chooses_too_and_writes_nothing(experiment):
    run = tiny.run(AUTO)
    teacher = open_teacher(experiment / "teacher", classes=run.head.classes)
    plan = plan_label(run, base=experiment, teacher=teacher)
    assert forecast(plan, labels=experiment / "labels").bytes_on_disk > 0
    assert not (experiment / "labels").exists()


@pytest.mark.parametrize("top_k", [1, 2])
def test_a_table_of_the_largest_logits_is_read_verified_and_reused(top_k, experiment):
    from stages.table.verify import verify

    how = f"label.top_k={top_k}"
    table = tiny.label(experiment, experiment / "labels", how)
    assert table.card.layout.logit_columns[1:] == ("teacher_thing_classes", "teacher_thing_tail")
    verify(table)
    said = [row["teacher_thing_classes"][0] for row in tiny.rows_of(table)]
    assert [tiny.CLASSES[number] for number in said] == [
        row["label_thing"] for row in tiny.rows_of(table)
    ]
    rows = [*tiny.examples(), {"text": "brand new saw", "thing": "tool"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    again = tiny.label(experiment, experiment / "labels", how)
    assert again.card.counts.teacher_calls == 1
    assert tiny.rows_of(again) == tiny.rows_of(tiny.label(experiment, experiment / "fresh", how))


def test_students_train_from_the_largest_logits(experiment):
    from stages.train.pipeline import train

    run = tiny.run("label.top_k=2", "train.epochs=1")
    table = tiny.label(experiment, experiment / "labels", "label.top_k=2")
    assert train(run, table, out=experiment)
