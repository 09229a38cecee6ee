"""What a student starts from: a pretrained encoder, a saved student, its vocabulary."""

from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest

from schemas.errors import AssetError, RunFileError, StudentError
from stages.inputs.wordpiece import read_vocabulary
from stages.networks.encoder import load_encoder
from stages.teach.encoder import classifier
from stages.train.pipeline import read_student_card, train
from stages.train.plan import plan_students
from stages.train.start.embeddings import start_embeddings
from stages.train.start.encoder import open_start
from stages.train.students import build_student
from tests import tiny
from tests.tiny_berts import write_hugging_face

STUDENT = 'train.students=[{{name="s", kind="{kind}", {rest}}}]'


def run(rest, kind="bert", *more):
    student = STUDENT.format(kind=kind, rest=rest)
    return tiny.run(student, "train.baseline=false", "train.epochs=1", *more)


def encoder_of(model):
    return next(x for x in model.layers if isinstance(x, keras_hub.models.BertBackbone))


def built(start, pieces):
    student = run("options={dropout=0.0}").train.students[0]
    model = build_student(start.sized(student), vocabulary_size=len(pieces), classes=3)
    start.copy_into(model, pieces=pieces)
    return encoder_of(model)


@pytest.fixture
def folder(labelled):
    write_hugging_face(labelled / "bert", layers=4)
    return labelled / "bert"


def test_all_layers_of_a_folder_give_the_same_encoder(folder):
    source, vocabulary = load_encoder(str(folder))
    encoder = built(open_start(str(folder), layers=None), vocabulary)
    ids = np.random.default_rng(1).integers(4, len(vocabulary), (3, 7))
    inputs = {"token_ids": ids, "segment_ids": ids * 0, "padding_mask": ids * 0 + 1}
    found, expected = (model(inputs)["sequence_output"] for model in (encoder, source))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_every_other_layer_and_pieces_of_its_own_are_taken_by_name(folder):
    source, vocabulary = load_encoder(str(folder))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *vocabulary[:8:-3], "nowhere"]
    encoder = built(open_start(str(folder), layers=(1, 3)), pieces)
    assert encoder.num_layers == 2
    for number, taken in enumerate((1, 3)):
        name = "transformer_layer_"
        for one, other in zip(
            encoder.get_layer(f"{name}{number}").get_weights(),
            source.get_layer(f"{name}{taken}").get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
    [rows] = encoder.get_layer("token_embedding").get_weights()
    [known] = source.get_layer("token_embedding").get_weights()
    for number, piece in enumerate(pieces[:-1]):
        np.testing.assert_array_equal(rows[number], known[vocabulary.index(piece)])


def test_a_fine_tuned_teacher_is_a_start_too(folder, labelled):
    encoder, vocabulary = load_encoder(str(folder))
    place = labelled / "fitted"
    place.mkdir()
    classifier(encoder, classes=3, dropout=0.1).save(place / "teacher.keras")
    (place / "vocab.txt").write_text("\n".join(vocabulary))
    found = built(open_start(str(place), layers=(0,)), vocabulary)
    expected = encoder.get_layer("transformer_layer_0").get_weights()
    for one, other in zip(
        found.get_layer("transformer_layer_0").get_weights(), expected, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_student_is_trained_from_a_start_and_another_start_is_another_student(folder, table):
    plans = train(run('start={path="bert", layers=[0, 2]}'), table, out=Path("out"))
    card = read_student_card(plans[0].path)
    model = keras.saving.load_model(plans[0].path / "student.keras", compile=False)
    assert encoder_of(model).num_layers == 2
    assert card.student.start.layers == (0, 2)
    others = [
        next(plan_students(run(rest), table, out=Path("out"))).fingerprint
        for rest in ('start={path="bert", layers=[0, 1]}', 'start={path="bert"}')
    ]
    assert len({card.fingerprint, *others}) == 3
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    changed = next(plan_students(run('start={path="bert", layers=[0, 2]}'), table, out=Path("o")))
    assert changed.fingerprint != card.fingerprint


@pytest.mark.parametrize(
    "rest, error, said",
    [
        ('start={path="bert", layers=[0, 4]}', StudentError, "found layers 0 to 3, asked for 4"),
        ('start={path="nowhere"}', AssetError, "no such file or folder"),
        ('start={path="teacher"}', StudentError, "no BERT to start from"),
        (
            'start={path="bert"}, options={hidden_width=16}',
            StudentError,
            "found hidden_width 16, expected 8",
        ),
    ],
)
def test_a_start_that_cannot_be_is_named(rest, error, said, folder, table):
    with pytest.raises(error, match=said):
        train(run(rest), table, out=Path("out"))


def test_a_spoilt_teacher_is_no_start(folder, labelled):
    (labelled / "fitted").mkdir()
    (labelled / "fitted" / "teacher.keras").write_bytes(b"x")
    with pytest.raises(StudentError, match="no BERT to start from: .*teacher.keras"):
        open_start(str(labelled / "fitted"), layers=None)


@pytest.mark.parametrize(
    "rest, kind, said",
    [
        ('start={path="bert"}', "bag", 'is for kind "bert"'),
        ('start={path="bert"}, embeddings="teacher"', "bert", 'is for kind "bert"'),
        ('start={path="bert", layers=[]}', "bert", "layers"),
        ("options={}", "mine.keras", "needs its own `vocabulary`"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(rest, kind, said):
    with pytest.raises(RunFileError, match=said):
        run(rest, kind)


def test_a_saved_student_is_trained_on(table):
    first = train(run("options={}", "bag"), table, out=Path("first"))[0]
    rest = f'vocabulary="{first.path / "vocab.txt"}"'
    kind = str(first.path / "student.keras")
    on = run(rest, kind, "train.learning_rate=1e-12")
    second = train(on, table, out=Path("second"))[0]
    models = [
        keras.saving.load_model(plan.path / "student.keras", compile=False)
        for plan in (first, second)
    ]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert read_vocabulary(second.path / "vocab.txt") == read_vocabulary(first.path / "vocab.txt")


def test_a_saved_student_with_layers_of_its_own_is_read_again(table):
    sizes = "options={layers=1, hidden_width=16, bottleneck_width=8, heads=2, max_length=16}"
    first = train(run(sizes, "mobilebert"), table, out=Path("first"))[0]
    kind, pieces = first.path / "student.keras", first.path / "vocab.txt"
    train(run(f'vocabulary="{pieces}"', str(kind), "train.max_length=16"), table, out=Path("on"))
    with pytest.raises(StudentError, match="it computes in float32, and bfloat16"):
        how = run(f'vocabulary="{pieces}"', str(kind), "train.compute_dtype=bfloat16")
        train(how, table, out=Path("third"))
    Path("short.txt").write_text("\n".join(read_vocabulary(pieces)[:9]))
    with pytest.raises(StudentError, match="student has another vocabulary: .* expected 9"):
        train(run('vocabulary="short.txt"', str(kind)), table, out=Path("fourth"))


def test_a_saved_student_that_cannot_be_read_is_named(table):
    Path("mine.keras").write_bytes(b"x")
    Path("vocab.txt").write_text("\n".join(tiny.VOCABULARY))
    with pytest.raises(StudentError, match="student cannot be loaded: mine.keras"):
        train(run('vocabulary="vocab.txt"', "mine.keras"), table, out=Path("out"))


def test_all_of_the_teachers_pieces_or_given_ones(table):
    Path("own.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cat", "dog"]))
    sizes = {}
    for name in ("train", "teacher", "own.txt"):
        plan = train(run(f'vocabulary="{name}"', "bag"), table, out=Path(name + "-out"))[0]
        sizes[name] = read_vocabulary(plan.path / "vocab.txt")
    assert sizes["teacher"] == tiny.VOCABULARY
    assert sizes["own.txt"][-2:] == ["cat", "dog"]
    assert sizes["train"] not in (sizes["teacher"], sizes["own.txt"])


@pytest.mark.parametrize(
    "pieces, said",
    [
        (["[UNK]", "[PAD]", "[CLS]", "[SEP]"], r"with '\[UNK\]' first"),
        (["[PAD]", "cat"], r"without \[UNK\], \[CLS\], \[SEP\]"),
    ],
)
def test_a_given_vocabulary_that_is_none_is_named(pieces, said, table):
    Path("own.txt").write_text("\n".join(pieces))
    with pytest.raises(StudentError, match=said):
        train(run('vocabulary="own.txt"', "bag"), table, out=Path("out"))
    Path("own.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(AssetError, match="vocabulary cannot be used: own.txt: line 1 is no UTF-8"):
        train(run('vocabulary="own.txt"', "bag"), table, out=Path("out"))


def test_pieces_that_the_teacher_has_not_start_at_zero():
    pieces = ["[PAD]", "cat", "nowhere", "dog"]
    token_ids = keras.Input((None,), dtype="int32")
    model = keras.Model(token_ids, keras.layers.Embedding(4, 2)(token_ids))
    embeddings = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    start_embeddings(
        model, embeddings, teacher_pieces=["[PAD]", "dog", "cat"], pieces=pieces, name="s"
    )
    [rows] = model.layers[1].get_weights()
    assert rows[2].tolist() == [0.0, 0.0] and np.abs(rows[[1, 3]]).min() > 0
