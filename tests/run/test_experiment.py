"""What is asked of a run's teacher where it may not be at hand."""

import sys

import pytest

from schemas.errors import TeacherError
from stages.run.experiment import teacher_at_hand
from tests import tiny


@pytest.mark.parametrize("code", [None, "import no_such_package\n"])
def test_a_module_that_is_not_on_this_machine_is_no_teacher_at_hand(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    if code:
        (tmp_path / "not_here.py").write_text(code)
    run = tiny.run('teacher={kind="module", callable="not_here:make"}')
    assert teacher_at_hand(run, out=tmp_path) is None


def test_a_module_without_the_function_is_refused(tmp_path):
    run = tiny.run('teacher={kind="module", callable="tests.tiny:no_such_function"}')
    with pytest.raises(TeacherError, match="teacher cannot be imported"):
        teacher_at_hand(run, out=tmp_path)
