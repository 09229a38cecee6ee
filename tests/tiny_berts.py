"""A BERT of one layer with weights made by hand, for teachers that come as a whole encoder.

Attention is even over all tokens, so that [CLS] holds the mean of the words' vectors; a word's
vector points to its class. The same numbers go into keras-hub and into transformers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests import tiny

WIDTH, HEADS, INNER, POSITIONS = 16, 2, 32, 32


def weights() -> dict[str, np.ndarray]:
    """Return the weights that are not zero, by name; dense kernels are [from, to]."""
    table = np.zeros((len(tiny.VOCABULARY), WIDTH), np.float32)
    for number, word in enumerate(tiny.VOCABULARY):
        table[number, 3 + number % 13] = 1.0
        for place, name in enumerate(tiny.CLASSES):
            if word in tiny._WORDS[name]:
                table[number] = np.eye(WIDTH)[place] * 2
    same = np.eye(WIDTH, dtype=np.float32)
    return {"words": table, "value": same, "attended": same, "pooled": same, "logits": same[:, :3]}


def write_keras_hub(folder: Path) -> Path:
    """Write a preset of `BertTextClassifier`."""
    import keras_hub

    tokenizer = keras_hub.models.BertTokenizer(tiny.VOCABULARY, lowercase=True)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=16)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(tiny.VOCABULARY),
        num_layers=1,
        num_heads=HEADS,
        hidden_dim=WIDTH,
        intermediate_dim=INNER,
        max_sequence_length=POSITIONS,
    )
    model = keras_hub.models.BertTextClassifier(backbone, 3, preprocessor=preprocessor)
    made = weights()
    ends = {
        "token_embedding/embeddings": made["words"],
        "value/kernel": made["value"],
        "attention_output/kernel": made["attended"],
        "pooled_dense/kernel": made["pooled"],
        "logits/kernel": made["logits"],
    }
    for variable in model.weights:
        value = np.full(variable.shape, float(variable.path.endswith("gamma")), np.float32)
        for end, known in ends.items():
            if variable.path.endswith(end):
                value = known.reshape(variable.shape)
        variable.assign(value)
    model.save_to_preset(str(folder))
    return folder


def write_transformers(
    folder: Path, classes: tuple[str, ...] = tiny.CLASSES, *, of_words: bool = False
) -> Path:
    """Write a folder of `BertForSequenceClassification`; its classes are in the order given.

    Or `BertForTokenClassification`, which says the class of each word, or `other`.
    """
    import torch
    import transformers

    config = transformers.BertConfig(
        vocab_size=len(tiny.VOCABULARY),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=POSITIONS,
        id2label=dict(enumerate(classes)),
        label2id={name: number for number, name in enumerate(classes)},
        layer_norm_eps=1e-12,
    )
    kind = "TokenClassification" if of_words else "SequenceClassification"
    model = getattr(transformers, f"BertFor{kind}")(config)
    made = weights()
    known = {name: made["logits"].T[number] for number, name in enumerate(tiny.CLASSES)}
    known["other"] = np.array([0.0] * 3 + [1.0] * (WIDTH - 3), np.float32)
    ends = {
        "word_embeddings.weight": made["words"],
        "self.value.weight": made["value"].T,
        "attention.output.dense.weight": made["attended"].T,
        "pooler.dense.weight": made["pooled"].T,
        "classifier.weight": np.stack([known[name] for name in classes]),
    }
    state = {}
    for name, tensor in model.state_dict().items():
        value = np.full(tensor.shape, float(name.endswith("LayerNorm.weight")), np.float32)
        value = next((known for end, known in ends.items() if name.endswith(end)), value)
        state[name] = torch.from_numpy(value.copy())
    model.load_state_dict(state)
    model.save_pretrained(folder)
    words = {word: number for number, word in enumerate(tiny.VOCABULARY)}
    _write_tokenizer(folder, words)
    return folder


def _write_tokenizer(folder: Path, words: dict[str, int]) -> None:
    """Write the tokenizer's files as the library itself does."""
    import transformers

    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(vocab=words, model_max_length=POSITIONS)
    tokenizer.save_pretrained(folder)
    stated = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert stated["model_max_length"] == POSITIONS


def byte_pair_tokenizer(folder: Path, texts: list[str], *, max_length: int) -> Any:
    """Return a `RobertaTokenizerFast` whose byte pairs are learned from some texts."""
    import tokenizers
    import transformers

    learned = tokenizers.ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    learned.train_from_iterator(texts, vocab_size=320, min_frequency=2, special_tokens=special)
    learned.save_model(str(folder))
    files = [str(folder / name) for name in ("vocab.json", "merges.txt")]
    return transformers.RobertaTokenizerFast(*files, model_max_length=max_length)


def write_hugging_face(folder: Path, layers: int = 2) -> dict[str, np.ndarray]:
    """Write a BERT of random weights, half as wide, as `save_pretrained` would; return them."""
    from safetensors.numpy import save_file

    width, inner = WIDTH // 2, INNER // 2
    rng = np.random.default_rng(3)
    shapes = {
        "embeddings.word_embeddings.weight": (len(tiny.VOCABULARY), width),
        "embeddings.position_embeddings.weight": (POSITIONS, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
        "pooler.dense.weight": (width, width),
        "pooler.dense.bias": (width,),
    }
    for layer in range(layers):
        place = f"encoder.layer.{layer}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value"):
            shapes |= {f"{place}{name}.weight": (width, width), f"{place}{name}.bias": (width,)}
        for name, outputs, inputs in (
            ("attention.output.dense", width, width),
            ("intermediate.dense", inner, width),
            ("output.dense", width, inner),
        ):
            shapes |= {
                f"{place}{name}.weight": (outputs, inputs),
                f"{place}{name}.bias": (outputs,),
            }
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{place}{name}.weight": (width,), f"{place}{name}.bias": (width,)}
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
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": inner,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "hidden_dropout_prob": 0.1,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(tiny.VOCABULARY))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    return weights
