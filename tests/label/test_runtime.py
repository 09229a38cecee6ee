"""A converted teacher against the one it was converted from."""

import numpy as np
import pytest

from schemas.errors import MissingTableError, TeacherError
from stages.label.planning.plan import plan_label
from stages.label.planning.runtime import check_runtime
from stages.run.inspect import inspect_folder
from stages.table.opening import open_table
from stages.table.writing.staging import Staging
from stages.teachers import load as teachers
from tests import tiny
from tests.teachers.kinds import labelled_by, source_of

ON_ONNX = "teacher.runtime=onnx"


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("SOFTSHARDS_CACHE", str(tmp_path_factory.mktemp("cache")))


def plan(folder, *overrides):
    return plan_label(tiny.run(*overrides), base=folder, teacher=source_of(folder, overrides))


def test_the_difference_is_measured_recorded_and_carried_over(experiment, capsys):
    first = labelled_by(experiment, [ON_ONNX])
    found = first.card.runtime_check
    assert (found.runtime, found.inputs) == ("onnx", 60)
    assert 0 <= found.largest_difference < 1e-5
    assert found.times_as_fast > 0
    assert "largest difference of a logit" in capsys.readouterr().err
    assert "times as fast, largest difference" in inspect_folder(
        experiment / "labels", as_json=False
    )
    tiny.write_corpus(experiment / "corpus.jsonl", tiny.examples(60))
    again = labelled_by(experiment, [ON_ONNX])
    assert again.card.counts.teacher_calls == 0
    assert again.card.runtime_check == found
    assert "largest difference of a logit" not in capsys.readouterr().err


def test_a_teacher_that_is_run_as_it_is_needs_no_check(experiment, table):
    assert check_runtime(plan(experiment), Staging(experiment / "labels", "plan")) is None
    assert table.card.runtime_check is None


def test_a_conversion_that_changes_a_logit_is_refused(experiment, monkeypatch):
    real = teachers.load_teacher

    def spoilt(source):
        teacher = real(source)
        if source.how.runtime == "onnx":
            answer = teacher.logits
            teacher.logits = lambda *asked: answer(*asked) + np.float32(0.002)
        return teacher

    monkeypatch.setattr(teachers, "load_teacher", spoilt)
    with pytest.raises(TeacherError, match="a logit differs by 2.00e-03, expected at most 0.001"):
        labelled_by(experiment, [ON_ONNX])
    with pytest.raises(MissingTableError):
        open_table(experiment / "labels")
