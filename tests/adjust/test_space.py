"""The space of a search: settings become a run file, or a stated error."""

import pytest

from schemas.adjustment import Trial
from schemas.errors import RunFileError
from schemas.run_file import parse_run_file
from stages.adjust.pipeline import pareto
from stages.adjust.space import check_space, of_trial, overrides, with_values
from tests import tiny

SEARCH = (
    "target={at_least=0.9}",
    'adjust={seed=1, search={temperature={low=1.0, high=8.0}, "student.options.units"=[4, 8]}}',
)


def test_values_go_to_the_student_and_to_the_training():
    run = tiny.run(*SEARCH)
    found = with_values(run, {"temperature": 3.0, "student.options.units": 4, "loss": "dist"})
    assert (found.train.temperature, found.train.loss) == (3.0, "dist")
    assert found.train.students[0].options == {"embedding_width": 8, "units": 4}
    trial = of_trial(tiny.run(*SEARCH, "train.seeds=[5, 6]"), {})
    assert (trial.train.seeds, trial.train.baseline) == ((5,), False)


TWO = 'train.students=[{name="other", kind="cnn"}, {name="mine", kind="bag"}]'


def test_what_was_found_can_be_said_on_the_command_line():
    run = tiny.run(*SEARCH, TWO, "adjust.student=mine", "train.temperature={start=4.0, end=1.0}")
    values = {"temperature.end": 3.25, "loss": "dist", "student.options.units": 4}
    said = overrides(values, run)
    schedule = "train.temperature={start=4.0, end=1.0}"
    again = parse_run_file(tiny.RUN_TEXT, source="x", overrides=[TWO, schedule, *said])
    other, mine = again.train.students
    found = with_values(run, values).train
    assert [mine] == list(found.students) and other == run.train.students[0]
    assert (again.train.temperature, again.train.loss) == (found.temperature, "dist")


@pytest.mark.parametrize(
    "search, said",
    [
        ("{temprature={low=1, high=2}}", "temprature"),
        ("{temperature={low=0, high=2}}", "temperature"),
        ('{loss=["kl", "kll"]}', "kll"),
        ('{"student.kindd"=["bag", "lstm"]}', "kindd"),
        ('{"loss.x"=["bag", "lstm"]}', "loss is a value"),
        ('{"student.options.units"=[-1, 8]}', "expected a whole number from 1 to 65536"),
        ('{"student.options.units"={low=8, high=10000000}}', "is 10000000, expected a whole"),
        ('{"student.options.dropout"={low=0.1, high=1.0}}', "expected a number from 0 on, below 1"),
    ],
)
def test_a_setting_that_does_not_hold_is_found_before_anything_is_tried(search, said):
    run = tiny.run("target={at_least=0.9}", f"adjust={{seed=1, search={search}}}")
    with pytest.raises(RunFileError, match=said):
        check_space(run, run.adjust)


@pytest.mark.parametrize(
    "overrides_, said",
    [
        (("adjust={seed=1, search={loss=['kl', 'dist']}}",), "needs a \\[target\\]"),
        (("target={at_least=0.9}", "adjust={seed=1, search={}}"), "adjust.search"),
        (("target={at_least=2}",), "target.at_least"),
        (("target={at_least=0.9}", "adjust={search={loss=['kl', 'dist']}}"), "adjust.seed"),
        (("target={at_least=0.9}", "adjust={seed=1, search={x={low=2, high=1}}}"), "low must be"),
        (("target={at_least=0.9}", "adjust={seed=1, search={x=[1]}}"), r"adjust\.search\.x[^.]"),
        (
            ("target={at_least=0.9}", "adjust={seed=1, search={x={low=1, high=2, step=1}}}"),
            "unknown key 'adjust.search.x.step'",
        ),
        (
            ("target={at_least=0.9}", "adjust={seed=1, student='b', search={x=[1, 2]}}"),
            "'b' is none of",
        ),
    ],
)
def test_a_search_that_cannot_be_done_is_refused(overrides_, said):
    with pytest.raises(RunFileError, match=said):
        tiny.run(*overrides_)


def trial(number, quality, parameters, latency, state="complete"):
    return Trial(
        number=number,
        values={},
        state=state,
        epochs=1,
        quality=quality,
        parameters=parameters,
        latency_ms_batch_1=latency,
    )


def test_the_front_is_what_nothing_beats():
    trials = [
        trial(0, 0.9, 100, 1.0),
        trial(1, 0.8, 100, 1.0),
        trial(2, 0.8, 50, 1.0),
        trial(3, 0.7, 200, 0.5),
        trial(4, 0.9, 100, 1.0),
        trial(5, 0.99, None, None, state="pruned"),
    ]
    assert [one.number for one in pareto(trials) if one.pareto] == [0, 2, 3, 4]
