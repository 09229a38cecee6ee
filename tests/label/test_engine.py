"""Engines: which are used, which refused, and what their failures mean."""

import pytest
from apache_beam.options.pipeline_options import StandardOptions

from schemas.errors import CorpusError, EngineError, TeacherError, error_classes
from stages.label.beam.engine import engine_options, stated_error


@pytest.mark.parametrize("arguments", [[], ["--runner=DirectRunner"], ["--runner=PrismRunner"]])
def test_local_runners_are_run_as_fn_api_runner(arguments):
    options = engine_options(arguments)
    assert options.view_as(StandardOptions).runner == "FnApiRunner"


def test_a_cluster_runner_is_left_alone():
    options = engine_options(["--runner=FlinkRunner", "--flink_master=localhost:1"])
    assert options.view_as(StandardOptions).runner == "FlinkRunner"


def test_a_runner_that_loses_rows_is_refused():
    with pytest.raises(EngineError, match="runner refused: DaskRunner"):
        engine_options(["--runner=DaskRunner"])


def test_a_running_mode_that_loses_rows_is_refused():
    with pytest.raises(EngineError, match="running mode refused: multi_threading"):
        engine_options(["--direct_running_mode=multi_threading", "--direct_num_workers=2"])


def test_an_unknown_option_is_refused():
    with pytest.raises(EngineError, match="unknown Beam option: --direct_num_wrkers"):
        engine_options(["--direct_num_wrkers=2"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--runner=Nope"], "unknown runner: Nope: expected FnApiRunner, "),
        (["--runner=nope.Nope"], "runner cannot be imported: nope.Nope: ModuleNotFoundError"),
        (["--runner=json.JSONDecoder"], "no runner: json.JSONDecoder: found <class "),
        (
            ["--runner=apache_beam.runners.dask.dask_runner.DaskRunner"],
            "runner refused: DaskRunner",
        ),
        (["--runner"], "Beam option cannot be read: argument --runner: expected one argument"),
        (["--direct_num_workers=x"], "cannot be read: argument --direct_num_workers: invalid int"),
        (["--direct_num_workers=-3"], "number of workers: .*: found -3, expected 1 or more"),
        (["--direct_running_mode=foo"], "cannot be read: argument --direct_running_mode: invalid"),
        (["direct_num_workers=2"], "unknown Beam option: direct_num_workers"),
    ],
)
def test_an_option_that_cannot_be_had_is_stated(arguments, said):
    with pytest.raises(EngineError, match=said):
        engine_options(arguments)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CorpusError("bad: row 1. Mend."), CorpusError("bad: row 1. Mend.")),
        (
            RuntimeError(
                "Traceback (most recent call last):\n  File ...\n"
                "schemas.errors.TeacherError: no: t. Mend. [while running 'Teacher']\n more"
            ),
            TeacherError("no: t. Mend."),
        ),
        (
            RuntimeError(
                "Traceback:\nschemas.errors.TeacherError: no: {'words': ['and\\n', 'so']}: it "
                "raised. Mend. [while running 'Teacher']\n more"
            ),
            TeacherError("no: {'words': ['and\\n', 'so']}: it raised. Mend."),
        ),
        (
            RuntimeError("x('Traceback\\nschemas.errors.TeacherError: no: t. Mend.\\n more')"),
            TeacherError("no: t. Mend."),
        ),
    ],
)
def test_a_stated_failure_comes_back_as_itself(error, expected):
    found = stated_error(error)
    assert type(found) is type(expected)
    assert str(found) == str(expected)


def test_any_other_failure_is_not_swallowed():
    assert stated_error(RuntimeError("ZeroDivisionError: division by zero")) is None


def test_every_error_takes_one_string_as_beam_needs():
    for name, kind in error_classes().items():
        assert str(kind(f"{name} text")) == f"{name} text"
