"""What an encoding of logits costs: bytes a row on disk, and the KL that it loses."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from schemas.heads import Head
from schemas.layout import Encoding, Layout
from stages.heads.losses.parts.divergences import kl_to_teacher, kl_with_tail_bucket
from stages.label.planning.encoding import candidates, measure_encoding, smallest_within
from stages.rows.codec import decode, encode
from stages.rows.columns import logits_lists
from stages.rows.lists import offsets_of
from stages.rows.row_logits import RowLogits
from stages.train.stream.batches import largest
from tests.heads.slopes import gradient

pytestmark = pytest.mark.benchmark

ROWS = 8192
BUDGET_NATS = 1e-3


def peaked(classes):
    """Return logits as a fine-tuned classifier gives them: noise, and one class well above it."""
    draw = np.random.default_rng(11)
    logits = draw.normal(0, 1.2, (ROWS, classes))
    logits[np.arange(ROWS), draw.integers(0, classes, ROWS)] += draw.gamma(9, 1.0, ROWS)
    return logits.astype(np.float32)


def plain_parquet(logits):
    """Return bytes a row of float32 lists in a Parquet file as pyarrow writes it unasked."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"logits": logits_lists(logits)}), sink)
    return len(sink.getvalue()) / len(logits)


def json_lines(logits):
    """Return bytes a row of JSON lists, one a line."""
    return sum(len(json.dumps(row)) + 1 for row in logits.tolist()) / len(logits)


@pytest.mark.parametrize("classes", [6, 150, 1000])
def test_bytes_a_row_and_kl(classes):
    logits = peaked(classes)
    names = [f"class {number}" for number in range(classes)]
    head = Head.model_validate({"name": "h", "classes": names})
    layout = Layout(features=("text",), head=head)
    rows = {
        "JSONL": {"bytes_per_row": json_lines(logits)},
        "Parquet float32, plain": {"bytes_per_row": plain_parquet(logits)},
    }
    answers = RowLogits(logits)
    wanted = [Encoding(precision="float32"), *candidates(classes)]
    for encoding in dict.fromkeys(wanted):
        found = measure_encoding(answers, layout.model_copy(update={"encoding": encoding}))
        rows[str(encoding)] = {"bytes_per_row": found.bytes_per_row, "kl_nats": found.kl_nats}
    chosen = smallest_within(answers, layout, budget_nats=BUDGET_NATS)
    plain = rows["Parquet float32, plain"]["bytes_per_row"]
    print(f"\n{classes} classes, {ROWS} rows; auto within {BUDGET_NATS:g} nats: {chosen.encoding}")
    for name, row in rows.items():
        size, kl = row["bytes_per_row"], row.get("kl_nats")
        lost = "" if kl is None else f"KL {kl:.2e}"
        print(f"  {name:24s} {size:9.1f} bytes/row  {size / plain:6.3f} of plain  {lost}")
    print(json.dumps({"title": "codecs", "classes": classes, "rows": rows}))
    assert chosen.kl_nats <= BUDGET_NATS


VOCABULARY, TEXTS, WORDS, TEMPERATURE = 10_000, 32, 16, 2.0


def next_pieces():
    """Return logits as a small language model gives them: a slope over ranks, and noise."""
    draw = np.random.default_rng(7)
    slope = -1.3 * np.log(np.arange(1, VOCABULARY + 1))
    noise = draw.normal(0, 0.8, (TEXTS * WORDS, VOCABULARY))
    return draw.permuted(slope + noise, axis=1).astype(np.float32)


def cosine(one, other):
    """Return the mean over lines, in float64."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    sizes = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / sizes).mean())


def test_positions_of_ten_thousand_classes():
    logits = next_pieces()
    student = logits * 0.7 + np.random.default_rng(1).normal(0, 1, logits.shape).astype(np.float32)
    names = [f"piece {number}" for number in range(VOCABULARY)]
    head = Head.model_validate({"name": "h", "per": "token", "classes": names})
    layout = Layout(features=("words",), feature_kinds={"words": "words"}, head=head)
    answers = RowLogits(logits, offsets_of(np.full(TEXTS, WORDS)))
    exact = gradient(lambda s: kl_to_teacher(s, logits, temperature=TEMPERATURE), student)
    rows, dense = {}, None
    for top_k in (None, 16, 64, 256, 1024):
        encoding = Encoding(precision="bfloat16", top_k=top_k)
        how = layout.model_copy(update={"encoding": encoding})
        found = measure_encoding(answers, how)
        kept = decode(pa.table(encode(answers, how)), how).values
        smear = gradient(lambda s, k=kept: kl_to_teacher(s, k, temperature=TEMPERATURE), student)
        row = {"bytes": found.bytes_per_row / WORDS, "kl": found.kl_nats}
        row["smear"] = cosine(smear, exact)
        if top_k is not None:
            chosen = largest(tf.constant(kept), top_k)
            bucket = gradient(
                lambda s, k=kept, c=chosen: kl_with_tail_bucket(s, k, c, temperature=TEMPERATURE),
                student,
            )
            row["bucket"] = cosine(bucket, exact)
        dense = dense or row["bytes"]
        rows[str(encoding)] = row
        said = ", ".join(f"{name} {value:.4g}" for name, value in row.items())
        print(f"  {encoding!s:20s} {row['bytes'] / dense:.4f} of dense: {said}")
    print(json.dumps({"title": "ten thousand classes by position", "rows": rows}))
    assert rows["top 64 bfloat16"]["bucket"] > 0.9
