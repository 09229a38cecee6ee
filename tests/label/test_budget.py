"""How often a teacher will be asked is said where it has changed, and held to a stated budget."""

import pytest

from schemas.errors import RunFileError, TeacherError
from stages.label.planning.forecast import forecast, forecast_text
from stages.label.planning.plan import plan_label
from stages.table.opening import open_table, table_exists
from stages.teachers.places import find_teacher
from tests import tiny
from tests.label.test_preflight import OWN, label_by, log, plan

FIRST = 1 + 2 + 5  # to check it and for its time
INPUTS = 60


@pytest.fixture(autouse=True)
def _own_teacher(own_modules_and_cache):
    pass


def asked(folder):
    return sum(int(line[1]) for line in log(folder) if line[0] == "asked")


def comment(folder):
    """Change a teacher's file, but nothing that it says."""
    path = folder / "own_teacher.py"
    path.write_text(f"{path.read_text()}\n# a comment\n")


def fingerprint(folder, *overrides):
    run = tiny.run(OWN % "right", *overrides)
    return find_teacher(run, base=folder, fitted=folder).fingerprint


def test_a_budget_that_is_too_small_is_refused_before_the_first_call(experiment):
    limit = INPUTS + FIRST - 1
    with pytest.raises(TeacherError) as caught:
        label_by(experiment, "right", f"label.max_teacher_calls={limit}")
    said = str(caught.value)
    assert (
        f"{INPUTS + FIRST} calls (0 until now, {INPUTS} inputs without an answer, at most" in said
    )
    assert f"expected at most label.max_teacher_calls = {limit}. Nobody was asked." in said
    assert log(experiment) == []
    assert not table_exists(experiment / "labels")


def test_a_budget_that_is_enough_is_kept_to_and_changes_no_fingerprint(experiment):
    stated = f"label.max_teacher_calls={INPUTS + FIRST}"
    made = plan(experiment, "right", stated)
    assert made.fingerprint == plan(experiment, "right").fingerprint
    counts = label_by(experiment, "right", stated).card.counts
    assert counts.teacher_calls == asked(experiment) == INPUTS + FIRST
    rows = [*tiny.examples(), {"text": "the small plum and the axe", "thing": "fruit"}]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    with pytest.raises(TeacherError, match=r"1 calls \(0 until now, 1 inputs without an answer"):
        label_by(experiment, "right", "label.max_teacher_calls=0")
    assert label_by(experiment, "right", "label.max_teacher_calls=1").version == 1


def test_a_finer_precision_counts_as_a_budget_does(experiment):
    label_by(experiment, "right")
    finer = ("label.precision=float32", "label.max_teacher_calls=10")
    with pytest.raises(TeacherError, match=f"{INPUTS} inputs without an answer, at most 0 beside"):
        label_by(experiment, "right", *finer)


def test_what_an_earlier_attempt_asked_counts(experiment, monkeypatch):
    from stages.label import pipeline

    with monkeypatch.context() as killed:
        killed.setattr(pipeline, "commit", None)
        with pytest.raises(TypeError):
            label_by(experiment, "right")
    before = asked(experiment)
    assert before == INPUTS + FIRST
    with pytest.raises(TeacherError, match=rf"{before} calls \({before} until now, 0 inputs"):
        label_by(experiment, "right", f"label.max_teacher_calls={before - 1}")
    table = label_by(experiment, "right", f"label.max_teacher_calls={before}")
    assert asked(experiment) == table.card.counts.teacher_calls == before


def test_a_changed_teacher_is_said_before_it_is_asked(experiment, capsys):
    label_by(experiment, "right")
    comment(experiment)
    capsys.readouterr()
    with pytest.raises(TeacherError, match="Nobody was asked"):
        run = tiny.run(OWN % "right", "label.max_teacher_calls=5")
        teacher = find_teacher(run, base=experiment, fitted=experiment)
        from stages.label.pipeline import label

        label(plan_label(run, base=experiment, teacher=teacher), labels=experiment / "labels")
    said = capsys.readouterr().err
    assert "teacher has changed from " in said
    assert "(its file counts, unless teacher.version is stated)" in said
    assert f": {INPUTS} inputs of the table will be asked again, {INPUTS} in all" in said


def test_a_stated_version_stands_for_the_file(experiment):
    plan(experiment, "right")
    stated, other = "teacher.version='1'", "teacher.version='2'"
    first = [fingerprint(experiment, *more) for more in ((), (stated,), (other,))]
    comment(experiment)
    second = [fingerprint(experiment, *more) for more in ((), (stated,), (other,))]
    assert len(set(first)) == 3
    assert second[0] != first[0]
    assert second[1:] == first[1:]


def test_a_version_is_of_code_only():
    with pytest.raises(RunFileError, match='`version` is for a teacher of kind "module"'):
        tiny.run("teacher.version='1'")


@pytest.mark.parametrize("inputs", [0, 1, 20, 256])
def test_a_forecast_asks_as_many_as_are_stated_and_says_so(inputs, experiment):
    found = forecast(plan(experiment, "right"), labels=experiment / "labels", inputs=inputs)
    assert found.sampled_calls == asked(experiment) == min(inputs, INPUTS)
    assert (found.teacher_calls, found.calls_beside) == (INPUTS, FIRST)
    said = dict(forecast_text(found))
    assert said["asked for this plan"] == f"{min(inputs, INPUTS)} inputs"
    assert said["teacher calls"] == str(INPUTS)
    assert said["calls beside them"] == f"at most {FIRST}"
    unknown = "not known: nobody was asked"
    assert [said[name] == unknown for name in ("teacher time", "bytes on disk")] == [
        inputs == 0
    ] * 2
    assert [line[0] for line in log(experiment)].count("loaded") == min(inputs, 1)


@pytest.mark.parametrize("inputs", [0, 1, 20, 256])
def test_a_forecast_of_a_chosen_encoding_asks_no_more(inputs, experiment):
    made = plan(experiment, "right", "label.precision=auto")
    found = forecast(made, labels=experiment / "labels", inputs=inputs)
    assert found.sampled_calls == asked(experiment) == min(inputs, INPUTS)
    assert (found.bytes_on_disk is None) == (found.teacher_seconds is None) == (inputs == 0)
    assert found.calls_beside == FIRST + INPUTS


def test_a_forecast_says_that_label_would_refuse_and_why_nothing_is_reused(experiment):
    label_by(experiment, "right")
    comment(experiment)
    run = tiny.run(OWN % "right", "label.max_teacher_calls=5")
    teacher = find_teacher(run, base=experiment, fitted=experiment)
    made = plan_label(run, base=experiment, teacher=teacher)
    said = dict(forecast_text(forecast(made, labels=experiment / "labels", inputs=0)))
    assert said["allowed"] == "5: label would refuse"
    assert said["not reused"].startswith("teacher has changed from ")
    assert open_table(experiment / "labels").version == 0


@pytest.mark.parametrize(("limit", "calls"), [(INPUTS + FIRST - 1, 0), (INPUTS + FIRST, INPUTS)])
def test_a_forecast_asks_nobody_where_label_would_refuse(limit, calls, experiment):
    made = plan(experiment, "right", f"label.max_teacher_calls={limit}")
    found = forecast(made, labels=experiment / "labels")
    assert (found.refused, found.sampled_calls) == (calls == 0, calls)
    assert asked(experiment) == calls


def test_a_forecast_asks_no_more_than_label_may(experiment):
    label_by(experiment, "right")
    (experiment / "log").unlink()
    rows = [*tiny.examples(), *({"text": f"{word} fig", "thing": "fruit"} for word in "abc")]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    made = plan(experiment, "right", "label.max_teacher_calls=3")
    assert forecast(made, labels=experiment / "labels").sampled_calls == asked(experiment) == 3
