"""Encoders from a local folder in the Hugging Face format, as a handle would deliver it."""

import numpy as np
import pytest
import tensorflow as tf

from schemas.errors import AssetError
from stages.networks.encoder import load_encoder
from stages.teach.encoder import classifier
from stages.teachers.parts.pieces import model_inputs
from tests import tiny
from tests.tiny_berts import write_hugging_face


def test_a_write_hugging_face_is_read_with_its_weights_and_vocabulary(tmp_path):
    weights = write_hugging_face(tmp_path / "bert")
    encoder, vocabulary = load_encoder(str(tmp_path / "bert"))
    assert vocabulary == tiny.VOCABULARY
    found = encoder.get_layer("token_embedding").get_weights()[0]
    np.testing.assert_array_equal(found, weights["embeddings.word_embeddings.weight"])


def test_padding_does_not_change_the_classifiers_logits(tmp_path):
    write_hugging_face(tmp_path / "bert")
    encoder, _ = load_encoder(str(tmp_path / "bert"))
    model = classifier(encoder, classes=3, dropout=0.1)
    ids = tf.constant([[2, 5, 6, 3]])
    padded = tf.constant([[2, 5, 6, 3, 0, 0, 0]])
    one, other = (model(model_inputs(x, pad_id=0), training=False) for x in (ids, padded))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_frozen_embeddings_are_not_trained(tmp_path):
    write_hugging_face(tmp_path / "bert")
    encoder, _ = load_encoder(str(tmp_path / "bert"))
    model = classifier(encoder, classes=3, dropout=0.1, train_embeddings=False)
    trained = {weight.path for weight in model.trainable_variables}
    assert trained
    assert not any("token_embedding/" in path for path in trained)


@pytest.mark.parametrize("spoil", ["config.json", "model.safetensors"])
def test_a_folder_that_is_not_whole_is_stated(spoil, tmp_path):
    write_hugging_face(tmp_path / "bert")
    (tmp_path / "bert" / spoil).unlink()
    with pytest.raises(AssetError, match="encoder cannot be loaded: .*bert"):
        load_encoder(str(tmp_path / "bert"))
