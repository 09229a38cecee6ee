"""The stream: every row once an epoch, in an order that only seed, epoch and step decide."""

import numpy as np
import pytest

from schemas.errors import DamagedTableError, TableError
from stages.table.opening import open_table
from stages.train.stream.stream import SoftLabelStream
from tests import tiny


def stream(table, *, split="train", batch_size=7, seed=1, once=False):
    return SoftLabelStream(table, split, batch_size=batch_size, seed=seed, once=once)


def batches(dataset, count):
    return [{key: value.numpy() for key, value in batch.items()} for batch in dataset.take(count)]


def equal(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a[key], b[key]) for a, b in zip(one, other, strict=True) for key in a
    )


def test_an_epoch_has_every_row_once_with_its_own_label_and_logits(table):
    made = stream(table)
    seen = batches(made.dataset(), made.steps_per_epoch)
    rows = [row for row in tiny.rows_of(table) if row["split"] == "train"]
    expected = sorted(
        (
            row["text"].encode(),
            tiny.CLASSES.index(row["label_thing"]),
            tuple(row["teacher_thing"]),
        )
        for row in rows
    )
    found = sorted(
        (text, label, tuple(logits))
        for batch in seen
        for text, label, logits in zip(
            batch["text"], batch["label"], batch["teacher_logits"].tolist(), strict=True
        )
    )
    assert found == expected
    assert [len(batch["text"]) for batch in seen[:-1]] == [7] * (len(seen) - 1)


def test_the_same_seed_gives_the_same_batches_and_another_seed_others(table):
    count = stream(table).steps_per_epoch
    first = batches(stream(table).dataset(), count)
    assert equal(first, batches(stream(table).dataset(), count))
    assert not equal(first, batches(stream(table, seed=2).dataset(), count))


def test_epochs_differ_in_order(table):
    made = stream(table)
    steps = made.steps_per_epoch
    both = batches(made.dataset(), 2 * steps)
    assert not equal(both[:steps], both[steps:])


@pytest.mark.parametrize("window", [5, 131_072])
@pytest.mark.parametrize("step", [3, 9, 10, 12, 25])
def test_any_step_is_reached_without_what_comes_before(step, window, table, monkeypatch):
    monkeypatch.setattr("stages.train.stream.windows._WINDOW_ROWS", window)
    made = stream(table)
    whole = batches(made.dataset(), step + 4)
    assert equal(whole[step:], batches(made.dataset(first_step=step), 4))


def test_what_a_table_kept_of_the_logits_is_marked(labelled):
    top = tiny.label(labelled, labelled / "top", "label.top_k=1")
    (batch,) = batches(stream(top, batch_size=50).dataset(), 1)
    assert batch["teacher_kept"].sum(axis=1).tolist() == [1] * 50
    kept = batch["teacher_logits"][batch["teacher_kept"]]
    np.testing.assert_array_equal(kept, batch["teacher_logits"].max(axis=1))
    assert "teacher_kept" not in batches(stream(open_table(labelled / "labels")).dataset(), 1)[0]


@pytest.mark.parametrize("how", ["label.precision=float32", "label.top_k=2"])
def test_a_window_is_cut_where_its_logits_are_many_and_batches_stay(how, labelled, monkeypatch):
    table = tiny.label(labelled, labelled / how.replace("=", "-"), how)
    made = stream(table)
    steps = made.steps_per_pass + 2
    whole, chunks = batches(made.dataset(), steps), len(list(made.chunks([0], 0)))
    most = 15 * len(tiny.CLASSES)
    monkeypatch.setattr("stages.train.stream.stream._CHUNK_VALUES", most)
    assert equal(whole, batches(made.dataset(), steps))
    parts = list(made.chunks([0], 0))
    assert len(parts) > 2 * chunks
    assert max(part.logits.size for part in parts) <= most


def test_passes_stay_apart_where_a_row_group_has_no_row_that_counts(labelled, monkeypatch):
    monkeypatch.setattr("stages.train.stream.windows._WINDOW_ROWS", 5)
    found = tiny.label(labelled, labelled / "small", "label.num_shards=8")
    made, none = stream(found), made_empty(found)
    assert any(group.size == 0 for group in none._groups)
    for one in (made, none):
        sizes = [len(batch["text"]) for batch in batches(one.dataset(), 6 * one.steps_per_pass)]
        full, rest = divmod(one.rows, 7)
        assert rest
        assert sizes == 6 * ([7] * full + [rest])


def made_empty(table):
    """Return a stream with a row group of which nothing counts, as `once` may leave one."""
    from dataclasses import replace

    made = stream(table)
    empty = [replace(g, size=0, kept=np.zeros(0, np.int32)) for g in made._groups]
    made._groups = [g for pair in zip(made._groups, empty, strict=True) for g in pair]
    return made


def test_small_windows_change_the_order_but_lose_nothing(table, monkeypatch):
    monkeypatch.setattr("stages.train.stream.windows._WINDOW_ROWS", 5)
    made = stream(table)
    texts = [
        text for batch in batches(made.dataset(), made.steps_per_epoch) for text in batch["text"]
    ]
    assert len(texts) == made.rows == table.card.counts.split_rows["train"]


def test_once_leaves_out_rows_that_repeat_input_and_label(table):
    made = stream(table, once=True)
    seen = batches(made.one_pass(), made.steps_per_epoch)
    texts = [text for batch in seen for text in batch["text"]]
    assert len(texts) == len(set(texts)) == made.rows
    assert made.one_pass().cardinality().numpy() == made.steps_per_epoch


def test_a_row_without_a_label_is_minus_one(experiment):
    rows = [{**row, "thing": None} for row in tiny.examples(30)]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)
    made = stream(tiny.label(experiment, experiment / "labels"))
    assert set(batches(made.one_pass(), 1)[0]["label"].tolist()) == {-1}


def test_an_empty_split_is_stated(experiment):
    table = tiny.label(experiment, experiment / "labels", "corpus.split={validation=0, test=0}")
    with pytest.raises(TableError, match="no row in split 'validation'"):
        stream(table, split="validation")


@pytest.fixture(scope="module")
def viewed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream")
    rows = [*tiny.examples(), {"text": "one unlabelled fig", "thing": None}]
    tiny.write_experiment(folder, rows=rows)
    views = 'label.views={seed=1, augmenters=[{kind="swap", count=3}]}'
    return tiny.label(folder, folder / "labels", views, "corpus.split={validation=0.1,test=0.1}")


def test_a_student_sees_every_view_in_epochs_as_long_as_the_labelled_examples(viewed):
    everything = viewed.read("train", ["view", "label_thing"]).to_pylist()
    labelled = [row for row in everything if row["label_thing"] is not None]
    made = stream(viewed)
    assert made.rows == len(everything) > 2 * len(labelled)
    assert made.steps_per_epoch == -(-len(labelled) // 7)
    assert made.steps_per_pass == -(-len(everything) // 7)
    seen = [text for batch in batches(made.one_pass(), -1) for text in batch["text"].tolist()]
    assert sorted(seen) == sorted(
        text.encode() for text in viewed.read("train", ["text"])["text"].to_pylist()
    )


def test_labelled_only_leaves_out_views_and_unlabelled_rows(viewed):
    made = SoftLabelStream(viewed, "train", batch_size=7, seed=1, once=False, labelled_only=True)
    labels = [label for batch in batches(made.one_pass(), -1) for label in batch["label"].tolist()]
    expected = [
        row for row in viewed.read("train", ["label_thing"]).to_pylist() if row["label_thing"]
    ]
    assert len(labels) == made.rows == len(expected)
    assert min(labels) >= 0


def test_once_counts_repeats_once_and_keeps_every_view(viewed):
    rows = viewed.read("train", ["text", "label_thing", "view"]).to_pylist()
    originals = {(row["text"], row["label_thing"]) for row in rows if not row["view"]}
    views = [row for row in rows if row["view"]]
    assert stream(viewed, once=True).rows == len(originals) + len(views)


def test_a_shard_that_is_gone_in_the_middle_is_stated_as_such(table):
    made = stream(table)
    dataset = made.dataset()
    for shard in table.shards_of("train"):
        shard.path.unlink()
    with pytest.raises(DamagedTableError, match="shard cannot be read"), made.own_errors():
        batches(dataset, 1)
