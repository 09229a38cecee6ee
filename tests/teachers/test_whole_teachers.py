"""A teacher that is not whole is refused by the names of its weights; one that is, never."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import AssetError, StudentError, TeacherError
from stages.networks.encoder import load_encoder
from stages.teachers.load import load_teacher
from stages.teachers.places import find_teacher
from stages.train.start.encoder import open_start
from stages.train.students import find_builder
from tests import tiny, tiny_berts, tiny_words
from tests.teachers.kinds import keras_hub, saved_model, source_of

BERT = {
    "vocab_size": len(tiny.VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 34,
}
DISTIL = {"vocab_size": BERT["vocab_size"], "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 8}
LLAMA = {name: BERT[name] for name in BERT if name != "max_position_embeddings"}
LABELS = {"id2label": dict(enumerate(tiny.CLASSES))}
HUGGING = 'teacher={kind="transformers", path="hugging", max_length=16}'


@pytest.fixture
def hugging(experiment):
    """A folder of a BERT classifier with its tokenizer."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return tiny_berts.write_transformers(experiment / "hugging")


def save(folder, name, **config):
    """Save a model of random weights in the place of the folder's, beside the tokenizer."""
    import transformers

    kind = getattr(transformers, name)
    model = kind(kind.config_class(**config))
    model.save_pretrained(folder)
    return model


def edited(folder, change):
    """Rewrite the folder's weights."""
    from safetensors.numpy import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def asked(folder, *, of_words=False):
    if not of_words:
        return load_teacher(source_of(folder.parent, [HUGGING]))
    run = tiny_words.run(HUGGING)
    return load_teacher(find_teacher(run, base=folder.parent, fitted=folder))


@pytest.mark.parametrize(
    ("name", "config", "lacks"),
    [
        ("BertModel", BERT, r"lacks 2 weights of the model \(classifier.bias, classifier.weight\)"),
        ("BertForMaskedLM", BERT, r"lacks 4 weights .*\(bert.pooler.dense.bias, .*, …\)"),
        ("RobertaModel", BERT, "lacks 4 weights of the model .*classifier.dense.bias"),
        ("DistilBertModel", DISTIL, "lacks 4 weights of the model"),
        ("GPT2LMHeadModel", {"vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2}, "lacks 1"),
        ("LlamaForCausalLM", LLAMA, r"lacks 1 weight of the model \(score.weight\)"),
    ],
)
def test_a_model_without_a_trained_head_is_refused(name, config, lacks, hugging, capfd):
    save(hugging, name, **config, **LABELS)
    with pytest.raises(TeacherError, match=f"teacher is not whole: .*hugging: as .*{lacks}"):
        asked(hugging)
    assert "LOAD REPORT" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("BertForSequenceClassification", BERT),
        ("RobertaForSequenceClassification", BERT),
        ("DistilBertForSequenceClassification", DISTIL),
        ("ElectraForSequenceClassification", BERT),
        ("AlbertForSequenceClassification", BERT),
        ("DebertaV2ForSequenceClassification", BERT),
        (
            "GPT2ForSequenceClassification",
            {"vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2},
        ),
        ("LlamaForSequenceClassification", LLAMA),
    ],
)
def test_a_trained_head_of_many_architectures_is_taken(name, config, hugging):
    saved = save(hugging, name, **config, **LABELS)
    assert asked(hugging).parameters == saved.num_parameters()


def test_weights_that_a_classifier_was_pretrained_with_are_passed_over(hugging):
    save(hugging, "RobertaForSequenceClassification", **BERT, **LABELS)
    unused = ("roberta.pooler.dense.weight", "lm_head.bias", "roberta.embeddings.position_ids")
    edited(hugging, lambda kept: kept.update({name: np.zeros(4, np.float32) for name in unused}))
    assert asked(hugging).parameters > 0


def test_a_tagger_with_the_pooler_of_its_encoder_is_taken(hugging):
    shutil.rmtree(hugging)
    tiny_berts.write_transformers(hugging, tiny_words.CLASSES, of_words=True)
    pooler = {"bert.pooler.dense.weight": np.zeros((16, 16), np.float32)}
    edited(hugging, lambda kept: kept.update(pooler))
    assert asked(hugging, of_words=True).parameters > 0


def test_layers_beyond_those_of_the_configuration_are_named(hugging):
    save(hugging, "BertForSequenceClassification", **BERT, **LABELS)
    config = json.loads((hugging / "config.json").read_text())
    (hugging / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    message = r"has 16 weights that the model has no use for \(bert.encoder.layer.1.attention"
    with pytest.raises(TeacherError, match=message):
        asked(hugging)


def test_weights_of_an_adapter_that_nobody_reads_are_named(hugging):
    name = "bert.encoder.layer.0.attention.self.query.lora_A.weight"
    edited(hugging, lambda kept: kept.update({name: np.zeros((2, 16), np.float32)}))
    with pytest.raises(TeacherError, match=rf"has 1 weight that .* no use for \({name}\)"):
        asked(hugging)


def test_weights_of_another_shape_are_named_with_both(hugging):
    edited(hugging, lambda kept: kept.update({"classifier.bias": np.zeros(5, np.float32)}))
    message = r"1 weight of another shape \(classifier.bias: \[5\] in it, \[3\] by its"
    with pytest.raises(TeacherError, match=message):
        asked(hugging)


@pytest.mark.parametrize("name", ["BertForSequenceClassification", "BertForTokenClassification"])
def test_a_model_that_was_made_for_another_task_is_refused(name, hugging):
    of_words = name == "BertForSequenceClassification"
    classes = tiny_words.CLASSES if of_words else tiny.CLASSES
    save(hugging, name, **BERT, id2label=dict(enumerate(classes)))
    message = f"of another task: .*says {name}, expected one for Token" if of_words else "lacks 2"
    with pytest.raises(TeacherError, match=message):
        asked(hugging, of_words=of_words)


def test_a_folder_without_a_vocabulary_is_refused(hugging):
    for name in ("vocab.txt", "tokenizer.json"):
        (hugging / name).unlink()
    message = "teacher has no vocabulary: .*: its tokenizer has 5 pieces, all of them special"
    with pytest.raises(TeacherError, match=message):
        asked(hugging)


def test_a_tokenizer_of_a_larger_model_is_refused(hugging):
    save(hugging, "BertForSequenceClassification", **{**BERT, "vocab_size": 20}, **LABELS)
    message = "another vocabulary: .*numbers pieces up to 26, and the model has embeddings for 20"
    with pytest.raises(TeacherError, match=message):
        asked(hugging)


def rewritten(path, change):
    """Change the open `model.weights.h5` of a `.keras` file."""
    import h5py

    place = path.parent / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(place)
    with h5py.File(place / "model.weights.h5", "a") as file:
        change(file)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.write(place / name, name)
    shutil.rmtree(place)


def lose_the_head(file):
    del file["layers/dense"]


def add_a_layer(file):
    file["layers/dense_7/vars/0"] = np.zeros((9, 2), np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lose_the_head, "teacher cannot be loaded: .*teacher.keras: "),
        (add_a_layer, r"not whole: .*has 1 weight that .* no use for \(layers/dense_7/vars/0\)"),
    ],
)
def test_a_keras_file_of_other_weights_than_its_model_is_refused(change, message, experiment):
    path = experiment / "teacher" / "teacher.keras"
    rewritten(path, change)
    with pytest.raises(TeacherError, match=message):
        load_teacher(source_of(experiment, []))
    with pytest.raises(StudentError, match=r"teacher\.keras"):
        find_builder(str(path))(vocabulary_size=len(tiny.VOCABULARY), classes=3)
    with pytest.raises(StudentError, match=r"teacher\.keras"):
        open_start(str(path.parent), layers=None)


def test_a_keras_file_with_an_optimizer_is_whole(experiment):
    import keras

    path = experiment / "teacher" / "teacher.keras"
    model = keras.saving.load_model(path, compile=False)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(path)
    assert load_teacher(source_of(experiment, [])).parameters > 0


def test_a_preset_without_its_head_is_refused(experiment):
    overrides = keras_hub(experiment)
    (experiment / "preset" / "task.weights.h5").unlink()
    message = r"not whole: .*preset: no task.weights.h5, so that its head would be random. Save"
    with pytest.raises(TeacherError, match=message):
        load_teacher(source_of(experiment, overrides))


@pytest.mark.parametrize("name", ["model.weights.h5", "task.weights.h5"])
def test_a_preset_with_weights_that_are_nobodys_is_refused(name, experiment):
    import h5py

    overrides = keras_hub(experiment)
    with h5py.File(experiment / "preset" / name, "a") as file:
        file["layers/more/vars/0"] = np.zeros((5, 7), np.float32)
    with pytest.raises(TeacherError, match=r"no use for \(layers/more/vars/0\)"):
        load_teacher(source_of(experiment, overrides))


def test_an_encoder_with_more_layers_than_its_configuration_is_refused(tmp_path):
    folder = tmp_path / "bert"
    tiny_berts.write_hugging_face(folder)
    assert load_encoder(str(folder))[0].num_layers == 2
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1}))
    message = r"encoder is not whole: .*has 16 weights that .* no use for \(encoder.layer.1."
    for load in (load_encoder, lambda place: open_start(place, layers=None)):
        with pytest.raises(AssetError, match=message):
            load(str(folder))


def test_an_encoder_with_a_longer_vocabulary_is_refused(tmp_path):
    folder = tmp_path / "bert"
    tiny_berts.write_hugging_face(folder)
    (folder / "vocab.txt").write_text("\n".join([*tiny.VOCABULARY, "more"]))
    message = "another vocabulary: .*found 28 pieces, and embeddings of 27"
    with pytest.raises(AssetError, match=message):
        load_encoder(str(folder))


def test_a_saved_model_without_one_of_its_variables_is_refused(experiment):
    import tensorflow as tf

    overrides = saved_model(experiment)
    other = tf.train.Checkpoint(others=tf.Variable(np.zeros(3, np.float32)))
    written = Path(other.write(str(experiment / "other")))
    for end in (".index", ".data-00000-of-00001"):
        kept = experiment / "saved" / "variables" / f"variables{end}"
        kept.write_bytes(written.with_name(written.name + end).read_bytes())
    with pytest.raises(TeacherError, match="teacher is not whole: .*saved: its file lacks"):
        load_teacher(source_of(experiment, overrides))
