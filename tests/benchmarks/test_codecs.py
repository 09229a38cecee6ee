"""What an encoding of logits costs: bytes a row on disk, and the KL that it loses."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.heads import Head
from schemas.layout import Encoding, Layout
from stages.columns import logits_lists
from stages.label.encoding import candidates, measure_encoding, smallest_within

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
    wanted = [Encoding(precision="float32"), *candidates(classes)]
    for encoding in dict.fromkeys(wanted):
        found = measure_encoding(logits, layout.model_copy(update={"encoding": encoding}))
        rows[str(encoding)] = {"bytes_per_row": found.bytes_per_row, "kl_nats": found.kl_nats}
    chosen = smallest_within(logits, layout, budget_nats=BUDGET_NATS)
    plain = rows["Parquet float32, plain"]["bytes_per_row"]
    print(f"\n{classes} classes, {ROWS} rows; auto within {BUDGET_NATS:g} nats: {chosen.encoding}")
    for name, row in rows.items():
        size, kl = row["bytes_per_row"], row.get("kl_nats")
        lost = "" if kl is None else f"KL {kl:.2e}"
        print(f"  {name:24s} {size:9.1f} bytes/row  {size / plain:6.3f} of plain  {lost}")
    print(json.dumps({"title": "codecs", "classes": classes, "rows": rows}))
    assert chosen.kl_nats <= BUDGET_NATS
