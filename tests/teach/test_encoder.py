"""Encoders from a local folder in the Hugging Face format, as a handle would deliver it."""

import json

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from schemas.errors import AssetError
from stages.label.teachers.pieces import model_inputs
from stages.teach.encoder import classifier, load_encoder
from tests import tiny

WIDTH, INNER, LAYERS, POSITIONS = 8, 16, 2, 32


def hugging_face_folder(folder):
    """Write a BERT of random weights as `save_pretrained` would."""
    rng = np.random.default_rng(3)
    shapes = {
        "embeddings.word_embeddings.weight": (len(tiny.VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
        "pooler.dense.weight": (WIDTH, WIDTH),
        "pooler.dense.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        place = f"encoder.layer.{layer}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value"):
            shapes |= {f"{place}{name}.weight": (WIDTH, WIDTH), f"{place}{name}.bias": (WIDTH,)}
        for name, outputs, inputs in (
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", INNER, WIDTH),
            ("output.dense", WIDTH, INNER),
        ):
            shapes |= {
                f"{place}{name}.weight": (outputs, inputs),
                f"{place}{name}.bias": (outputs,),
            }
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{place}{name}.weight": (WIDTH,), f"{place}{name}.bias": (WIDTH,)}
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in weights:
        if name.endswith("LayerNorm.weight"):
            weights[name] = np.ones_like(weights[name])
    folder.mkdir()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "vocab_size": len(tiny.VOCABULARY),
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "hidden_dropout_prob": 0.1,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(tiny.VOCABULARY))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    return weights


def test_a_hugging_face_folder_is_read_with_its_weights_and_vocabulary(tmp_path):
    weights = hugging_face_folder(tmp_path / "bert")
    encoder, vocabulary = load_encoder(str(tmp_path / "bert"))
    assert vocabulary == tiny.VOCABULARY
    found = encoder.get_layer("token_embedding").get_weights()[0]
    np.testing.assert_array_equal(found, weights["embeddings.word_embeddings.weight"])


def test_padding_does_not_change_the_classifiers_logits(tmp_path):
    hugging_face_folder(tmp_path / "bert")
    encoder, _ = load_encoder(str(tmp_path / "bert"))
    model = classifier(encoder, classes=3, dropout=0.1)
    ids = tf.constant([[2, 5, 6, 3]])
    padded = tf.constant([[2, 5, 6, 3, 0, 0, 0]])
    one, other = (model(model_inputs(x, pad_id=0), training=False) for x in (ids, padded))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_frozen_embeddings_are_not_trained(tmp_path):
    hugging_face_folder(tmp_path / "bert")
    encoder, _ = load_encoder(str(tmp_path / "bert"))
    model = classifier(encoder, classes=3, dropout=0.1, train_embeddings=False)
    trained = {weight.path for weight in model.trainable_variables}
    assert trained
    assert not any("token_embedding/" in path for path in trained)


@pytest.mark.parametrize("spoil", ["config.json", "model.safetensors"])
def test_a_folder_that_is_not_whole_is_stated(spoil, tmp_path):
    hugging_face_folder(tmp_path / "bert")
    (tmp_path / "bert" / spoil).unlink()
    with pytest.raises(AssetError, match="encoder cannot be loaded: .*bert"):
        load_encoder(str(tmp_path / "bert"))
