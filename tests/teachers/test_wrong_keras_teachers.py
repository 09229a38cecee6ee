"""Keras folders that are no teacher of the run: each is found before the engine starts."""

import keras
import pytest
from click.testing import CliRunner

import run_pipeline
from stages.table.opening import table_exists
from tests import tiny


def model_of(name="token_ids", outputs=3, last=None):
    """Return a model of token ids, as a teacher is, but for what is stated."""
    ids = keras.Input((None,), dtype="int32", name=name)
    pooled = keras.layers.GlobalAveragePooling1D()(
        keras.layers.Embedding(len(tiny.VOCABULARY), 4, mask_zero=True)(ids)
    )
    answer = keras.layers.Dense(outputs)(pooled)
    return keras.Model({name: ids}, answer if last is None else last(answer))


WRONG = {
    "softmax": (
        {"last": keras.layers.Softmax()},
        "teacher answers with probabilities: FOLDER/teacher.keras: it ends with a softmax",
    ),
    "two outputs": (
        {"outputs": 2},
        "teacher has another number of classes: FOLDER/teacher.keras: found 2",
    ),
    "ids": ({"name": "ids"}, "teacher has other inputs: FOLDER/teacher.keras: found ids"),
    "lambda": (
        {"last": keras.layers.Lambda(lambda logits: 2 * logits)},
        "teacher cannot be loaded: FOLDER/teacher.keras: it has code of its own (a Lambda layer), ",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_model_is_one_line_and_nothing_is_staged(wrong, tmp_path, monkeypatch):
    arguments, said = WRONG[wrong]
    tiny.write_experiment(tmp_path)
    model_of(**arguments).save(tmp_path / "teacher" / "teacher.keras")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(run_pipeline.main, ["label", "run.toml", "--labels", "labels"])
    assert done.exit_code == 1
    *before, line = done.stderr.splitlines()
    assert line.startswith("error: " + said.replace("FOLDER", str(tmp_path / "teacher")))
    assert all(one.startswith("label: ") for one in before), before
    assert not table_exists(tmp_path / "labels")
    assert not list((tmp_path / "labels").glob("_staging/*/unit-*"))
