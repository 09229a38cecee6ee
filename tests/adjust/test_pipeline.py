"""Adjusting: trials from one table until the target is reached, resumed, shared and reported."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from schemas.errors import RunFileError, StudentError, TableError
from stages.adjust import trial as trial_module
from stages.adjust.pipeline import adjust, read_adjustment, search_fingerprint
from stages.adjust.study import Study
from stages.evaluate.html import render
from stages.run.experiment import run_all
from stages.table.opening import open_table
from tests import tiny

SEARCH = '{learning_rate={low=1e-4, high=3e-2, log=true}, "student.options.units"=[4, 8, 16]}'


def searching(*overrides, at_least=0.999, trials=4, search=SEARCH):
    return tiny.run(
        f"target={{at_least={at_least}, metric='f1_macro'}}",
        f"adjust={{seed=3, trials={trials}, search={search}}}",
        "train.epochs=3",
        *overrides,
    )


def values(found):
    return [(one.values, one.quality) for one in found.trials]


def test_the_budget_is_kept_to_and_the_best_is_named(table):
    found = adjust(searching(), table, out=Path("out"))
    assert len(found.trials) == 4
    complete = [one for one in found.trials if one.state == "complete"]
    best = max(complete, key=lambda one: one.quality)
    assert found.best == best.number and not found.reached
    assert best.pareto and best.parameters > 0 and best.latency_ms_batch_1 > 0
    assert len({one.parameters for one in complete}) > 1
    for one in found.trials:
        assert 1e-4 <= one.values["learning_rate"] <= 3e-2
        assert one.values["student.options.units"] in (4, 8, 16)


def test_the_same_seed_tries_the_same_settings_and_nothing_is_tried_again(table, monkeypatch):
    first = adjust(searching(trials=2), table, out=Path("one"))
    assert values(adjust(searching(trials=2), table, out=Path("two"))) == values(first)

    def never(*args, **kwargs):
        raise AssertionError("tried again")

    with monkeypatch.context() as patched:
        patched.setattr(trial_module, "train_student", never)
        assert adjust(searching(trials=2), table, out=Path("one")) == first
    more = adjust(searching(trials=3), table, out=Path("one"))
    assert values(more)[:2] == values(first) and len(more.trials) == 3


def test_it_ends_with_the_first_that_reaches_the_target(table):
    found = adjust(searching(at_least=0.01, trials=5), table, out=Path("out"))
    assert len(found.trials) == 1 and found.reached


def test_a_trial_that_is_worse_than_others_were_is_given_up(table):
    search = "{learning_rate=[0.004, 0.0041, 0.0042, 1e-9]}"
    run = searching("train.epochs=8", trials=12, search=search)
    found = adjust(run, table, out=Path("out"))
    pruned = [one for one in found.trials if one.state == "pruned"]
    assert pruned and all(one.epochs < 8 for one in pruned)
    assert all(one.quality is not None for one in pruned)


def test_settings_that_cannot_be_trained_are_noted_and_the_others_tried(table):
    search = '{"student.kind"=["none", "bag"]}'
    found = adjust(searching(trials=6, search=search), table, out=Path("out"))
    failed = [one for one in found.trials if one.state == "failed"]
    assert failed and all("unknown student: kind 'none'" in one.why for one in failed)
    assert found.best is not None


def test_where_a_builder_of_ones_own_raises_in_every_trial_its_line_is_said(table):
    Path("own_builder.py").write_text(
        "def build(**given):\n    return {}['units']\n\nother = build\n"
    )
    search = '{"student.kind"=["own_builder:build", "own_builder:other"]}'
    said = "1 tried: your own code raised: own_builder:.*: own_builder.py:2: KeyError: 'units'"
    with pytest.raises(StudentError, match=said):
        adjust(searching(trials=1, search=search), table, out=Path("out"))


def test_where_every_setting_fails_it_says_so(table):
    search = '{"student.kind"=["none", "neither"]}'
    with pytest.raises(StudentError, match="no setting could be trained: 2 tried: unknown student"):
        adjust(searching(trials=2, search=search), table, out=Path("out"))


def test_no_trial_is_begun_after_the_stated_minutes(table):
    run = searching(trials=50)
    run = run.model_copy(update={"adjust": run.adjust.model_copy(update={"minutes": 1e-9})})
    with pytest.raises(StudentError, match="no setting could be trained: 0 tried"):
        adjust(run, table, out=Path("out"))


CHILD = """
import sys
from pathlib import Path
from stages.adjust import trial
from stages.adjust.pipeline import adjust
from stages.table.opening import open_table
from tests.adjust.test_pipeline import searching

watch = trial._Watch.on_epoch_end

def slowly(self, epoch, logs=None):
    watch(self, epoch, logs)
    print("epoch", self._trial.number, epoch, flush=True)
    if epoch == 0 and self._trial.number == int(sys.argv[1]):
        print("waiting", flush=True)
        import time
        time.sleep(60)

trial._Watch.on_epoch_end = slowly
adjust(searching(trials=3), open_table(Path("labels")), out=Path("out"))
"""


def child(waits_in):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(waits_in)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_killed_search_goes_on_with_the_settings_it_was_at(table):
    process = child(waits_in=1)
    try:
        assert any(line.startswith("waiting") for line in process.stdout)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        process.stdout.close()
    found = adjust(searching(trials=3), table, out=Path("out"))
    expected = adjust(searching(trials=3), table, out=Path("other"))
    assert [one.number for one in found.trials] == [0, 2, 3]
    assert values(found)[:2] == values(expected)[:2]


def test_several_processes_share_a_search(table):
    processes = [child(waits_in=-1) for _ in range(2)]
    lines = [process.communicate(timeout=200)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    tried = [{line.split()[1] for line in part} for part in lines]
    assert tried[0] | tried[1] == {"0", "1", "2"} and not tried[0] & tried[1]
    found = adjust(searching(trials=3), table, out=Path("out"))
    assert len(found.trials) == 3


def studies(table, trials=2):
    run = searching(trials=trials)
    wanted = search_fingerprint(run, table)
    folder = Path("out/adjust")
    return [Study(folder, run.adjust, fingerprint=wanted, epochs=3) for _ in range(2)]


def test_a_trial_that_is_under_way_is_nobody_elses_and_is_waited_for(table):
    one, two = studies(table)
    with one.next_trial() as first, two.next_trial() as second:
        assert (first.number, second.number) == (0, 1)
        with one.next_trial() as third:
            assert third is None
        waiting = threading.Thread(target=two.wait_for_others)
        first.complete(0.5, parameters=1, latency_ms_batch_1=1.0)
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive()
        second.complete(0.6, parameters=1, latency_ms_batch_1=1.0)
    waiting.join(timeout=20)
    assert not waiting.is_alive()
    assert [trial.quality for trial in one.trials()] == [0.5, 0.6]


def test_settings_that_two_processes_died_of_are_not_tried_again(table):
    one, _ = studies(table, trials=1)
    values = []
    for _ in range(2):
        with one.next_trial() as trial:
            values.append(trial.values)  # and is never heard of again
    with one.next_trial() as trial:
        assert trial is None
    assert values[0] == values[1]
    [failed] = one.trials()
    assert (failed.state, failed.why) == ("failed", "two processes ended while they trained it")


def test_settings_that_do_not_go_together_are_noted(table):
    search = '{loss=["kl", "logit_mse"], tail=["smear", "bucket"]}'
    run = searching("label.top_k=2", trials=8, search=search)
    found = adjust(run, table, out=Path("out"))
    failed = [one for one in found.trials if one.state == "failed"]
    assert failed and all("goes with" in one.why for one in failed)


def test_without_hard_labels_of_validation_there_is_no_target(experiment):
    rows = [{"text": row["text"], "thing": None} for row in tiny.examples()]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    with pytest.raises(TableError, match="target cannot be measured"):
        adjust(searching(), tiny.label(experiment, experiment / "labels"), out=Path("out"))


def test_a_run_without_a_search_says_so(table):
    with pytest.raises(RunFileError, match="nothing to adjust"):
        adjust(tiny.run(), table, out=Path("out"))


def test_a_run_adjusts_where_its_target_is_not_reached_and_reports_every_trial(experiment, capsys):
    run = searching("train.seeds=[1, 2]", "train.learning_rate=1e-5", trials=2)
    report = run_all(run, out=experiment / "out")
    assert "f1_macro" in capsys.readouterr().err
    found = report.adjustment
    assert len(found.trials) == 2
    best = next(one for one in found.trials if one.number == found.best)
    assert {model.seed for model in report.models} == {1, 2}
    students = [model for model in report.models if model.role == "student"]
    assert {model.parameters for model in students} == {best.parameters}
    page = render(report)
    assert "<h2>Adjustment</h2>" in page and "target not reached" in page
    table = open_table(experiment / "out" / "labels")
    assert read_adjustment(run, table, out=experiment / "out") == found
    assert read_adjustment(tiny.run(), table, out=experiment / "out") is None
    capsys.readouterr()
    assert run_all(run, out=experiment / "out") == report
    assert "adjust: trial" not in capsys.readouterr().err


def test_a_run_that_reaches_its_target_tries_nothing(experiment):
    run = searching("train.learning_rate=0.02", "train.epochs=6", at_least=0.01)
    report = run_all(run, out=experiment / "out")
    assert report.adjustment is None
    assert not (experiment / "out" / "adjust").exists()


def test_another_table_or_space_is_another_search(table, labelled):
    one = search_fingerprint(searching(), table)
    assert one == search_fingerprint(searching(trials=9, at_least=0.5), table)
    assert one != search_fingerprint(searching("train.batch_size=8"), table)
    other = tiny.label(labelled, labelled / "other", "label.num_shards=2")
    assert one != search_fingerprint(searching(), other)


def test_the_epoch_that_is_kept_is_the_best_by_the_targets_metric(table):
    from stages.train.pipeline import read_student_card, train

    run = tiny.run("target={metric='recall_macro', at_least=0.5}", "train.epochs=4")
    plans = train(run, table, out=Path("out"))
    card = read_student_card(plans[0].path)
    assert set(card.epochs[0]) >= {"val_recall_macro", "val_f1_macro", "val_precision_macro"}
    assert "recall_macro" not in card.epochs[0]
    from stages.evaluate.predict import StudentPredictor
    from stages.heads.metrics.classes import score
    from stages.rows.codec import decode
    from stages.rows.columns import class_numbers

    rows = table.read("validation", ["text", "label_thing", "teacher_thing"])
    labels = class_numbers(rows["label_thing"], tiny.CLASSES)
    teacher = decode(rows, table.card.layout).values
    logits = StudentPredictor(plans[0].path, card).logits(rows["text"].to_pylist())
    scores = score(logits, labels, bins=5, teacher_logits=teacher)
    best = max(epoch["val_recall_macro"] for epoch in card.epochs)
    assert scores.recall_macro == pytest.approx(best, abs=1e-6)


def test_a_search_knows_the_code_and_files_of_the_students_that_it_lists(table, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    build = "def build(**how):\n    raise NotImplementedError\n"
    Path("own_student.py").write_text(build)
    own = searching(search='{"student.kind"=["bag", "own_student:build"]}')
    others = searching(search='{"student.kind"=["bag", "cnn"]}')
    before = [search_fingerprint(run, table) for run in (own, others)]
    assert search_fingerprint(own, table) == before[0]
    Path("own_student.py").write_text(build + "# changed\n")
    after = [search_fingerprint(run, table) for run in (own, others)]
    assert before[0] != after[0] and before[1] == after[1]
    sys.modules.pop("own_student", None)
