"""MobileBERT is the published one: its size, and its numbers beside another implementation."""

import numpy as np
import pytest

from stages.train.students.mobilebert import Shape, encoder

PUBLISHED_PARAMETERS = 24_581_888
PIECES = 30_522


def test_the_published_configuration_has_the_published_size():
    assert encoder(vocabulary_size=PIECES, shape=Shape()).count_params() == PUBLISHED_PARAMETERS


def assign(model, name, *values):
    layer = model.get_layer(name)
    layer.set_weights(
        [
            np.reshape(value, now.shape)
            for value, now in zip(values, layer.get_weights(), strict=True)
        ]
    )


def copy(model, state, layers, feed_forwards):
    """Give our encoder the weights of theirs."""

    def dense(prefix):
        return state[f"{prefix}.weight"].T, state[f"{prefix}.bias"]

    def no_norm(prefix):
        return state[f"{prefix}.weight"], state[f"{prefix}.bias"]

    assign(model, "pieces", state["embeddings.word_embeddings.weight"])
    assign(model, "joined", *dense("embeddings.embedding_transformation"))
    assign(model, "places", state["embeddings.position_embeddings.weight"])
    assign(model, "segments", state["embeddings.token_type_embeddings.weight"])
    assign(model, "embedded", *no_norm("embeddings.LayerNorm"))
    for number in range(layers):
        ours, theirs = f"layer_{number}", f"encoder.layer.{number}"
        for name, place in (("narrow", "input"), ("asked", "attention")):
            assign(model, f"{ours}_{name}", *dense(f"{theirs}.bottleneck.{place}.dense"))
            assign(
                model, f"{ours}_{name}_no_norm", *no_norm(f"{theirs}.bottleneck.{place}.LayerNorm")
            )
        parts = [f"{theirs}.attention.self.{part}" for part in ("query", "key", "value")]
        parts.append(f"{theirs}.attention.output.dense")
        assign(model, f"{ours}_attention", *(value for part in parts for value in dense(part)))
        assign(model, f"{ours}_attended", *no_norm(f"{theirs}.attention.output.LayerNorm"))
        networks = [f"{theirs}.ffn.{network}" for network in range(feed_forwards - 1)] + [theirs]
        for network, place in enumerate(networks):
            feed = f"{ours}_feed_{network}"
            assign(model, f"{feed}_inner", *dense(f"{place}.intermediate.dense"))
            assign(model, f"{feed}_back", *dense(f"{place}.output.dense"))
            assign(model, f"{feed}_out", *no_norm(f"{place}.output.LayerNorm"))
        assign(model, f"{ours}_wide", *dense(f"{theirs}.output.bottleneck.dense"))
        assign(model, f"{ours}_out", *no_norm(f"{theirs}.output.bottleneck.LayerNorm"))


@pytest.mark.parametrize(("layers", "spread"), [(2, 0.05), (24, 0.035)])
def test_it_says_what_the_pytorch_model_says_on_copied_random_weights(layers, spread):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(7)
    config = transformers.MobileBertConfig(
        vocab_size=200, num_hidden_layers=layers, initializer_range=spread
    )
    theirs = transformers.MobileBertModel(config, add_pooling_layer=False).eval()
    ours = encoder(vocabulary_size=200, shape=Shape(layers=layers))
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    copy(ours, state, layers, feed_forwards=4)
    rng = np.random.default_rng(3)
    ids = rng.integers(1, 200, (3, 11))
    ids[1, 6:] = 0
    with torch.no_grad():
        mask = torch.from_numpy((ids != 0).astype(np.int64))
        expected = theirs(input_ids=torch.from_numpy(ids), attention_mask=mask)
    found, valid = ours(ids).numpy(), ids != 0
    theirs_said = expected.last_hidden_state.numpy()[valid]
    assert np.abs(theirs_said).max() > 0.5
    np.testing.assert_allclose(found[valid], theirs_said, rtol=0, atol=1e-4)
