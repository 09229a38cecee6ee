"""One contract for every kind of teacher: the same words, the same class, whatever runs them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import CorpusError, PipelineError, RunFileError, TeacherError
from stages.asking.ask import soft_labels
from stages.teachers.load import load_teacher
from stages.teachers.places import find_teacher
from tests import tiny, tiny_berts
from tests.teachers.kinds import (
    ASKED,
    ENCODERS,
    ROUNDED,
    WITHOUT_A_VOCABULARY,
    column,
    keras_hub,
    labelled_by,
    module,
    on_onnx_runtime,
    onnx,
    saved_model,
    saved_model_of_tokens,
    source_of,
    transformers,
)

pytestmark = pytest.mark.usefixtures("own_modules_and_cache")


@pytest.mark.parametrize("make", ASKED)
def test_answers_are_the_same_alone_and_in_a_batch(make, experiment):
    teacher = load_teacher(source_of(experiment, make(experiment)))
    assert tuple(teacher.classes) == tiny.CLASSES
    texts = ["the old cat", "fig", "one red saw and my new dear good small", "horse"]
    encoded = teacher.encode(pa.table({"text": texts}))
    assert encoded.lengths.shape == encoded.overlong.shape == (4,)
    together = teacher.logits(encoded, np.arange(4))
    assert together.dtype == np.float32
    assert together.argmax(axis=1).tolist() == [0, 1, 2, 0]
    for row in (3, 0):
        alone = teacher.logits(encoded, np.array([row]))
        precision = 2**-8 if make in ROUNDED else 1e-5
        np.testing.assert_allclose(together[row], alone[0], rtol=precision, atol=precision)


@pytest.mark.parametrize("make", [*ASKED[1:], column])
def test_a_table_of_every_kind(make, experiment):
    table = labelled_by(experiment, make(experiment))
    rows = tiny.rows_of(table)
    said = [tiny.CLASSES[int(np.argmax(row["teacher_thing"]))] for row in rows]
    assert said == [row["label_thing"] for row in rows]
    pieces = (table.artefacts_path / "vocab.txt").read_text().split("\n")
    letters = {"##c"} if make in WITHOUT_A_VOCABULARY else set()
    assert {"[PAD]", "[CLS]", "cat", *letters} <= set(pieces)


def test_an_onnx_teacher_says_what_its_keras_twin_says(experiment):
    twin = load_teacher(source_of(experiment, onnx(experiment)))
    first = load_teacher(source_of(experiment, []))
    texts = pa.table({"text": [row["text"] for row in tiny.examples(20)]})
    answers = [teacher.logits(teacher.encode(texts), np.arange(20)) for teacher in (twin, first)]
    np.testing.assert_allclose(*answers, rtol=1e-4, atol=1e-5)
    long = twin.encode(pa.table({"text": ["cat " * 40, "cat"]}))
    assert long.overlong.tolist() == [True, False]
    assert long.lengths.tolist() == [16, 3]


def test_the_same_weights_say_the_same_in_two_libraries(experiment):
    makes = [tiny_kinds(experiment) for tiny_kinds in ENCODERS]
    texts = pa.table({"text": [row["text"] for row in tiny.examples(20)]})
    teachers = [load_teacher(source_of(experiment, overrides)) for overrides in makes]
    answers = [teacher.logits(teacher.encode(texts), np.arange(20)) for teacher in teachers]
    np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", ENCODERS)
def test_an_encoder_cuts_what_does_not_fit(make, experiment):
    teacher = load_teacher(source_of(experiment, make(experiment)))
    encoded = teacher.encode(pa.table({"text": ["cat " * 40, "cat", "cat " * 14]}))
    assert encoded.overlong.tolist() == [True, False, False]
    assert encoded.lengths.tolist() == [16, 3, 16]


@pytest.mark.parametrize("make", ROUNDED)
def test_bfloat16_changes_the_fingerprint_and_the_logits_a_little(make, experiment):
    overrides = make(experiment)
    sources = [source_of(experiment, how) for how in (overrides, overrides[:-1])]
    assert sources[0].fingerprint != sources[1].fingerprint
    texts = pa.table({"text": [row["text"] for row in tiny.examples(20)]})
    teachers = [load_teacher(source) for source in sources]
    rounded, exact = (one.logits(one.encode(texts), np.arange(20)) for one in teachers)
    assert 0 < np.abs(rounded - exact).max() < 0.02 * np.abs(exact).max()


def test_a_converted_teacher_says_the_same_and_is_converted_once(experiment, capsys):
    sources = [source_of(experiment, how) for how in (on_onnx_runtime(experiment), [])]
    assert sources[0].fingerprint != sources[1].fingerprint
    texts = pa.table({"text": [row["text"] for row in tiny.examples(20)]})
    teachers = [load_teacher(source) for source in sources]
    answers = [teacher.logits(teacher.encode(texts), np.arange(20)) for teacher in teachers]
    np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-5)
    capsys.readouterr()
    load_teacher(sources[0])
    assert "converting" not in capsys.readouterr().err


def test_a_damaged_conversion_is_made_again(experiment, own_cache, capsys):
    source = source_of(experiment, on_onnx_runtime(experiment))
    load_teacher(source)
    (place,) = (own_cache / "onnx").glob(f"{source.fingerprint}-*.onnx")
    place.write_bytes(place.read_bytes()[:100])
    load_teacher(source)
    assert f"{place} cannot be used and is made again" in capsys.readouterr().err
    load_teacher(source)
    assert "made again" not in capsys.readouterr().err


@pytest.mark.parametrize("make", [saved_model, onnx, module, column, *ENCODERS])
def test_a_fingerprint_covers_files_and_options(make, experiment):
    overrides = make(experiment)
    first = source_of(experiment, overrides).fingerprint
    assert source_of(experiment, overrides).fingerprint == first
    longer = [overrides[0].replace("}", ", max_length=9}", 1), "teacher.max_length=9"][1]
    assert source_of(experiment, [*overrides, longer]).fingerprint != first
    for path in _files(experiment, make):
        lines = path.read_bytes().splitlines(keepends=True)
        more = b"more\n" if make is keras_hub else lines[-1]  # a piece is there once
        path.write_bytes(b"".join([*lines, more]))
    assert source_of(experiment, overrides).fingerprint != first


def _files(folder: Path, make) -> list[Path]:
    places = {
        saved_model: "saved/variables/variables.index",
        onnx: "onnx/tokenizer.json",
        module: "own_teacher.py",
        column: "corpus.jsonl",
        keras_hub: "preset/assets/tokenizer/vocabulary.txt",
        transformers: "hugging/vocab.txt",
    }
    return [folder / places[make]]


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


def test_a_column_of_probabilities_is_seen_and_never_softmaxed_again(experiment, capsys):
    table = labelled_by(experiment, column(experiment, softmax))
    assert "column 'answer' holds probabilities" in capsys.readouterr().err
    logits = np.array([row["teacher_thing"] for row in tiny.rows_of(table)])
    kept = np.sort(np.exp(logits), axis=1)
    expected = np.sort(softmax(np.array([4.0, -1.0, -1.0])))
    np.testing.assert_allclose(kept, np.tile(expected, (len(kept), 1)), rtol=5e-3)
    assert table.card.counts.teacher_calls == 0


def test_probabilities_stated_to_be_logits_are_refused(experiment):
    overrides = [*column(experiment, softmax), "teacher.answers=logits"]
    with pytest.raises(TeacherError, match="answers are probabilities: column 'answer'"):
        source_of(experiment, overrides)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0, 2.0], "wrong number of answers: corpus.jsonl row 1 column 'answer': found 2"),
        ([1.0, 2.0, float("inf")], "answer is not finite"),
        ("four", "no list of numbers"),
        (None, "no list of numbers"),
    ],
)
def test_a_row_without_a_usable_answer_is_named(answer, message, experiment):
    overrides = column(experiment)
    lines = (experiment / "corpus.jsonl").read_text().splitlines()
    first = {**json.loads(lines[0]), "answer": answer}
    (experiment / "corpus.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]))
    with pytest.raises(CorpusError, match=message):
        source_of(experiment, overrides)
    tolerant = [*overrides, "label.max_quarantined=1"]
    assert labelled_by(experiment, tolerant).card.counts.quarantined == 1


def test_a_column_of_probabilities_refuses_rows_that_are_none(experiment):
    overrides = [*column(experiment), "teacher.answers=probabilities"]
    with pytest.raises(CorpusError, match="no probabilities: corpus.jsonl row 1"):
        labelled_by(experiment, overrides)


def test_a_teacher_that_answers_with_probabilities_unsaid_is_refused(experiment):
    saved_model(experiment)
    overrides = ['teacher={kind="saved_model", path="saved", output="scores"}']
    with pytest.raises(TeacherError, match="teacher answers with probabilities"):
        labelled_by(experiment, overrides)
    logits = [*overrides, "teacher.output=logits", "teacher.answers=probabilities"]
    with pytest.raises(TeacherError, match="teacher's answers are no probabilities"):
        labelled_by(experiment, logits)


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (saved_model, "teacher.signature=other", "no such signature: 'other'"),
        (saved_model, "teacher.output=other", "no such output: 'other'"),
        (onnx, "teacher.output=other", "no such output: 'other'"),
        (module, "teacher.callable=own_teacher:not_a_teacher", "teacher cannot be made"),
        (module, "teacher.callable=own_teacher:none", "teacher cannot be imported"),
        (saved_model, "teacher.path=none", "no such file or folder: none"),
    ],
)
def test_what_is_wrong_is_said(make, change, message, experiment):
    overrides = [*make(experiment), change, *(["teacher.options={}"] if make is module else [])]
    with pytest.raises(PipelineError, match=message):
        load_teacher(source_of(experiment, overrides))


def test_a_saved_model_of_tokens_cuts_what_does_not_fit_and_needs_its_vocabulary(experiment):
    source = source_of(experiment, saved_model_of_tokens(experiment))
    teacher = load_teacher(source)
    assert teacher.encode(pa.table({"text": ["cat " * 40]})).overlong.tolist() == [True]
    (experiment / "saved" / "vocab.txt").unlink()
    with pytest.raises(TeacherError, match="teacher has no vocabulary: .*saved: its inputs are"):
        load_teacher(source)


def test_a_saved_model_of_other_inputs_is_refused(experiment):
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec([None, 4], tf.float32, name="pixels")
    module.call = tf.function(lambda pixels: {"logits": pixels}, input_signature=[spec])
    tf.saved_model.save(module, experiment / "other", {"serving_default": module.call})
    source = source_of(experiment, ['teacher={kind="saved_model", path="other"}'])
    with pytest.raises(TeacherError, match="other inputs: .*other: found pixels float32, expected"):
        load_teacher(source)


def test_classes_that_a_model_does_not_have_are_refused(experiment):
    pytest.importorskip("transformers")
    overrides = transformers(experiment)
    config = experiment / "hugging" / "config.json"
    config.write_text(config.read_text().replace("fruit", "plant"))
    message = (
        r"other classes: .*hugging: found 3 \(tool, plant, animal\), expected 3 \(animal, fruit"
    )
    with pytest.raises(TeacherError, match=message):
        load_teacher(source_of(experiment, overrides))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("teacher.runtime=onnx", 'is for a teacher of kind "keras"'),
        ("teacher.compute_dtype=bfloat16", "is for the kinds keras, keras_hub, transformers"),
    ],
)
def test_a_way_of_computing_that_a_kind_does_not_have_is_refused(change, message):
    with pytest.raises(RunFileError, match=message):
        tiny.run('teacher={kind="onnx", path="onnx"}', change)


@pytest.mark.parametrize("kind", ["saved_model", "onnx", "keras_hub", "transformers"])
def test_a_folder_that_holds_no_model_is_stated(kind, experiment):
    (experiment / "junk").mkdir()
    (experiment / "junk" / "saved_model.pb").write_bytes(b"junk")
    (experiment / "junk" / "model.onnx").write_bytes(b"junk")
    source = source_of(experiment, [f'teacher={{kind="{kind}", path="junk"}}'])
    with pytest.raises(TeacherError, match="teacher cannot be loaded"):
        load_teacher(source)


def test_a_column_cannot_be_asked(experiment):
    teacher = load_teacher(source_of(experiment, column(experiment)))
    rows = pa.table({"text": ["a"], "input_digest": [b"0" * 16]})
    with pytest.raises(TeacherError, match="teacher is a column and cannot be asked: 'a'"):
        soft_labels(teacher, rows, features=("text",), how=tiny.run().label, head=tiny.run().head)


@pytest.mark.parametrize(
    ("stated", "order"),
    [
        (("LABEL_2", "LABEL_0", "LABEL_1"), [2, 0, 1]),  # by name
        (tiny.CLASSES, [0, 1, 2]),  # `LABEL_n` says nothing: as they come
    ],
)
def test_names_that_libraries_make_up_are_names_where_the_run_states_them(stated, order, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    folder = tiny_berts.write_transformers(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {str(number): f"LABEL_{number}" for number in range(3)}
    (folder / "config.json").write_text(json.dumps(config))
    names = json.dumps(list(stated))
    run = tiny.run(
        f'heads=[{{name="thing", classes={names}}}]',
        'teacher={kind="transformers", path="model", max_length=16}',
    )
    plain = tiny.run('teacher={kind="transformers", path="model", max_length=16}')
    inputs = pa.table({"text": ["the old cat", "my saw"]})
    said = [
        teacher.logits(teacher.encode(inputs), np.arange(2))
        for teacher in (
            load_teacher(find_teacher(how, base=tmp_path, fitted=tmp_path)) for how in (run, plain)
        )
    ]
    np.testing.assert_array_equal(said[0], said[1][:, order])
