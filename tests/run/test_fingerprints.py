"""What decides a fingerprint, by literal digests of an earlier release.

A key that is new in a run file must not change them while it has its default: nobody has to teach
or label again for it. A digest here changes only where results do.
"""

import pytest

from stages.corpus.files import plan_corpus
from stages.label.planning.plan import plan_label
from stages.teach.pipeline import plan_teach
from stages.teachers.places import find_teacher
from tests import tiny


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of fixed bytes: a corpus, an encoder and a teacher in code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("TF_SET_ONEDNN_FPMATH_MODE", raising=False)
    tiny.write_corpus(tmp_path / "corpus.jsonl", tiny.examples(12))
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "model.json").write_text("{}")
    (tmp_path / "own_fingerprinted.py").write_text("def make(scale):\n    return len\n")
    return tmp_path


def fingerprints(folder):
    """Return every fingerprint that decides whether work is done again."""
    fitted = tiny.run('teacher={encoder={path="encoder"}, fit={seed=1}}')
    module = 'teacher={kind="module", callable="own_fingerprinted:make", options={scale=4.0}}'
    run = tiny.run(module)
    teacher = find_teacher(run, base=folder, fitted=folder)
    plan = plan_label(run, base=folder, teacher=teacher)
    return {
        "corpus": plan_corpus(run, base=folder).digest,
        "teach": plan_teach(fitted, base=folder).fingerprint,
        "teacher": teacher.fingerprint,
        "plan": plan.fingerprint,
        "work": plan.work,
    }


def test_fingerprints_are_those_of_an_earlier_release(folder):
    assert fingerprints(folder) == {
        "corpus": "d716f4871a51883efeee6be5ad04fbeb",
        "teach": "d03efe3a71fe836bfb1dc82f64bd5db4",
        "teacher": "600858a6ea784572a4604fa8cbe38e7c",
        "plan": "786511c0a5e79e70279e23e81b28425d",
        "work": "a8c037d85f2303845d418bd1f334c3ba",
    }
