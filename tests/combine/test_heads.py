"""Tables of several heads as one: a head sees just its own rows; a row of two is there once."""

import dataclasses
import re
import shutil

import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import (
    ConservationError,
    DamagedTableError,
    RunFileError,
    StaleTableError,
    TableError,
)
from schemas.heads import Head
from schemas.layout import JoinedLayout
from schemas.task_checks import check_columns
from stages.adjust.pipeline import adjust
from stages.combine.head_rows import joined_rows
from stages.combine.heads import join_heads
from stages.combine.join import rows_of_bucket
from stages.combine.pipeline import combine
from stages.run.experiment import read_run_file
from stages.run.inspect import inspect_folder
from stages.run.multi_task import task_run
from stages.table.artefacts import read_measures
from stages.table.opening import open_table, open_version
from stages.table.verify import verify
from stages.train.stream.stream import SoftLabelStream
from tests import tiny, tiny_heads

VIEWS = "label.views={seed=1, augmenters=[{kind='swap'}, {kind='word_dropout'}]}"


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """Tables of three heads, one of another corpus, and the table of all."""
    folder = tmp_path_factory.mktemp("heads")
    tiny_heads.write(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        tables = tiny_heads.labelled(folder, tiny_heads.run(VIEWS))
        return folder, tables, join_heads(tables, labels=folder / "labels")


def without_made_ids(table):
    """Return a head's rows but for what depends on how rows of equal input are numbered.

    A view's place is that of one of the originals of its input.
    """
    found = []
    for row in tiny.rows_of(table):
        apart = {"example_id", *(("source_file", "source_row") if row["view"] else ())}
        found.append(repr({key: value for key, value in row.items() if key not in apart}))
    return sorted(found)


@pytest.mark.parametrize("name", ["thing", "word", "kinds"])
def test_a_head_sees_just_the_rows_of_its_own_table(joined, name):
    _, tables, whole = joined
    own, seen = tables[name], whole.part(tables[name].card.head)
    assert without_made_ids(own) and without_made_ids(seen) == without_made_ids(own)
    digests = [[row["input_digest"] for row in tiny.rows_of(one)] for one in (own, seen)]
    assert digests[0] == digests[1]
    assert sum(shard.rows for shard in seen.shards) == sum(shard.rows for shard in own.shards)
    assert seen.card.plan_fingerprint == own.card.plan_fingerprint
    assert list(seen.texts("train")) and read_measures(seen) == read_measures(own)


def test_a_row_of_two_heads_is_there_once(joined):
    _, tables, whole = joined
    files = [pq.read_table(shard.path, partitioning=None) for shard in whole.shards]
    rows = pa.concat_tables(files).to_pylist()
    places = {
        name: {
            (row["source_file"], row["source_row"])
            for row in tiny.rows_of(table)
            if not row["view"]
        }
        for name, table in tables.items()
    }
    assert len(places["thing"]) == len(places["word"]) == tables["thing"].card.counts.rows == 68
    originals = [row for row in rows if not row["view"]]
    assert len(originals) == 68 + len(places["kinds"]) == whole.card.counts.rows
    both = [row for row in originals if row["source_file"] == "both.jsonl"]
    assert all(row["has_thing"] and row["has_word"] for row in both)
    repeated = [row for row in both if row["example_id"].endswith("1")]
    assert {row["label_thing"] for row in repeated} > {"tool"}  # of one input with two labels
    ids = [row["example_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert whole.card.counts.shared_rows > len(both)  # with their views
    for row in rows:
        for head in whole.card.heads:
            has = row[head.presence_column]
            assert has == (row[head.teacher_column] is not None)
            assert has or row[head.label_column] is None


def test_any_reader_of_delta_sees_both_heads_of_a_row(joined):
    folder, _, whole = joined
    rows = polars.read_delta(str(folder / "labels")).filter("has_thing", "has_word")
    assert rows.height == whole.card.counts.shared_rows
    assert rows["teacher_thing"].null_count() == rows["teacher_word"].null_count() == 0
    assert rows["teacher_kinds"].null_count() == rows.height


@pytest.mark.parametrize("labelled_only", [False, True])
@pytest.mark.parametrize("name", ["thing", "word"])
def test_a_head_is_trained_on_the_batches_of_its_own_table(joined, name, labelled_only):
    _, tables, whole = joined

    def batches(table):
        how = {"batch_size": 16, "seed": 3, "once": True, "labelled_only": labelled_only}
        stream = SoftLabelStream(table, "train", **how)
        return list(stream.dataset().take(2 * stream.steps_per_pass).as_numpy_iterator())

    pairs = zip(batches(whole.part(tables[name].card.head)), batches(tables[name]), strict=True)
    for one, other in pairs:
        assert str(one.pop("text")) == str(other.pop("text"))
        for key in other.keys() - {"label"}:  # equal inputs with other labels may change places
            np.testing.assert_array_equal(one[key], other[key])


def test_a_table_that_is_there_is_kept_and_one_that_changed_is_joined_anew(joined, capsys):
    folder, tables, whole = joined
    shutil.copytree(folder / "labels", folder / "again")
    assert join_heads(tables, labels=folder / "again").version == whole.version
    assert "join: nothing to do" in capsys.readouterr().err
    two = {name: tables[name] for name in ("thing", "word")}
    other = join_heads(two, labels=folder / "again")
    assert other.version == whole.version + 1
    assert [head.name for head in other.card.heads] == ["thing", "word"]
    assert verify(other).rows == other.card.counts.rows + other.card.counts.views
    done = CliRunner().invoke(main, ["history", str(folder / "again")])
    assert "joined: thing, word, kinds" in done.stdout and done.exit_code == 0


def test_it_is_inspected_head_by_head(joined):
    folder, _, whole = joined
    text = inspect_folder(folder / "labels", as_json=False)
    assert "of 3 heads" in text and f"rows of several heads     {whole.card.counts.shared_rows}"
    assert all(f"{name}: animal, fruit" in text for name in ("thing", "kinds"))
    assert '"shared_rows"' in inspect_folder(folder / "labels", as_json=True)
    done = CliRunner().invoke(main, ["verify", str(folder / "labels")])
    assert "is whole" in done.stdout and done.exit_code == 0


def test_a_table_of_several_heads_is_opened_by_one_of_them(joined):
    folder, tables, _ = joined
    head = tables["thing"].card.head
    assert (
        open_table(folder / "labels", head=head).card
        == open_version(folder / "labels").part(head).card
    )
    with pytest.raises(
        TableError, match="has several heads: .*thing, word, kinds; expected a table of one"
    ):
        open_table(folder / "labels")
    other = Head(name="thing", classes=("a", "b"))
    with pytest.raises(StaleTableError, match="has other heads: .*expected 'thing' with 2 classes"):
        open_table(folder / "labels", head=other)
    with pytest.raises(StaleTableError, match="made by another teacher"):
        open_table(folder / "labels", head=head, teacher="0" * 32)


def test_a_student_of_one_head_is_trained_and_scored_from_the_table_of_all(joined, tmp_path):
    folder, _, _ = joined
    shutil.copy(folder / "kinds.toml", tmp_path)
    how = [str(tmp_path / "kinds.toml"), "--labels", str(folder / "labels"), "--out", str(tmp_path)]
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        for command in ("train", "evaluate"):
            done = CliRunner().invoke(main, [command, *how])
            assert done.exit_code == 0, done.stderr
    assert "F1 micro" in done.stdout


def test_a_head_of_several_is_searched_for_without_labelling_it_again(joined, tmp_path):
    folder, tables, whole = joined
    search = "adjust={seed=3, trials=2, search={learning_rate=[0.001, 0.01]}}"
    how = read_run_file(folder / "kinds.toml", ("target={at_least=0.999}", search))
    found = [
        adjust(how, table, out=tmp_path / name)
        for name, table in (
            ("own", tables["kinds"]),
            ("of-all", whole.part(tables["kinds"].card.head)),
        )
    ]
    own, of_all = ([one.quality for one in each.trials] for each in found)
    assert own == of_all and None not in own


def test_a_head_of_several_is_combined_with_a_table_of_its_own(joined, tmp_path):
    folder, tables, whole = joined
    own, part = tables["kinds"], whole.part(tables["kinds"].card.head)
    assert {row["example_id"] for row in tiny.rows_of(own)} != {
        row["example_id"] for row in tiny.rows_of(part)
    }  # texts that another head has too are numbered over the rows of both
    how = ("combine.mean=logits", "combine.missing=error", "label.precision=float32")
    run = read_run_file(folder / "kinds.toml", how)
    for number, pair in enumerate(((own, part), (part, own))):
        mean = combine(run, pair, labels=tmp_path / str(number))
        verify(mean)
        found, expected = (
            sorted(map(repr, ({**row, "source_row": 0} for row in tiny.rows_of(table))))
            for table in (mean, own)
        )
        assert found == expected


def damaged(table, change):
    """Write a shard's rows otherwise, as large as before as far as the log says."""
    shard = max(table.shards, key=lambda one: one.rows)
    rows = change(pq.read_table(shard.path, partitioning=None))
    pq.write_table(rows, shard.path)
    return shard


def without_a_head(rows):
    no = pa.array([False] * rows.num_rows)
    for name in ("has_thing", "has_word", "has_kinds"):
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), no)
    return rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_a_head, r"rows that no head has.*its logits are not where has_"),
        (lambda rows: rows.slice(0, rows.num_rows - 1), r"head '\w+': \d+ rows, the log says"),
        (lambda rows: rows.take(list(range(rows.num_rows))[::-1]), "not in their order"),
        (lambda rows: rows.drop_columns(["has_word"]), "has other columns"),
    ],
)
def test_damage_is_found_and_said_of_the_head(joined, tmp_path, change, said):
    folder, _, _ = joined
    shutil.copytree(folder / "labels", tmp_path / "labels")
    table = open_version(tmp_path / "labels")
    damaged(table, change)
    with pytest.raises(DamagedTableError) as raised:
        verify(table)
    assert re.search(said, str(raised.value), re.S)
    assert "run again what made it: `label`, `combine`, or, of several heads, `run`." in str(
        raised.value
    )


def test_heads_that_mean_other_things_by_one_column_are_refused_before_anything_is_labelled(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    tiny_heads.write(tmp_path)
    path = tmp_path / "kinds.toml"
    path.write_text(path.read_text().replace('name = "kinds"\nkind', 'name = "word"\nkind'))
    done = CliRunner().invoke(main, ["run", "commands.toml", "--out", "out"])
    assert done.exit_code == 1 and not (tmp_path / "out").exists()
    assert "cannot be in one table: commands: 'word' and 'kinds' both have a column" in done.stderr
    texts = tiny.run().layout()
    words = task_run(tiny_heads.run(), tiny_heads.run().tasks[0], base=tmp_path).layout()
    with pytest.raises(RunFileError, match="'a' and 'b' both have a column 'has_thing'"):
        check_columns({"a": texts, "b": words}, source="x.toml")


def test_a_corpus_split_otherwise_for_another_head_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tiny_heads.write(tmp_path)
    split = "corpus.split={validation=0.5, test=0.2}"
    teacher = "teacher={kind='module', callable='tests.tiny_heads:of_rows'}"
    how = tiny_heads.run(f'tasks=[{{name="thing", set=["{split}", "{teacher}"]}}]')
    tables = {**tiny_heads.labelled(tmp_path, how)}
    whole = join_heads(tables, labels=tmp_path / "labels")
    crossing = whole.card.counts.crossing_inputs
    assert crossing > 5
    assert f"join: {crossing} inputs are in several splits" in capsys.readouterr().err
    verify(whole)
    for name in tables:
        seen = whole.part(tables[name].card.head)
        assert without_made_ids(seen) == without_made_ids(tables[name])


def test_a_task_without_a_run_is_a_head_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tiny_heads.write(tmp_path)
    with pytest.raises(RunFileError, match="has several tasks: .*commands.toml. Give it to `run`"):
        read_run_file(path)
    with pytest.raises(RunFileError, match="task 'sentiment' has no `run`; a task has a run file"):
        tiny_heads.run("tasks=[{name='sentiment'}]")
    with pytest.raises(RunFileError, match="task 'thing' is a head of this file, and has a `run`"):
        tiny_heads.run("tasks=[{name='thing', run='thing.toml'}]")
    how = tiny_heads.run("corpus.fromat='csv'")
    with pytest.raises(RunFileError, match="task 'thing' of commands.*fromat.*format"):
        task_run(how, how.tasks[0], base=tmp_path)


def test_a_text_that_the_corpus_has_in_two_splits_is_counted_once(joined, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_heads.write(tmp_path)
    rows = [{**row, "split": "train"} for row in tiny_heads.examples(20)]
    rows += [{**rows[0], "split": "test"}, {**rows[1], "split": "validation"}]
    tiny.write_corpus(tmp_path / "both.jsonl", rows)
    how = tiny_heads.run("corpus.split={column='split'}", third=False)
    whole = join_heads(tiny_heads.labelled(tmp_path, how), labels=tmp_path / "labels")
    assert whole.card.counts.crossing_inputs == 2
    assert whole.card.counts.rows == whole.card.counts.shared_rows == len(rows)


def test_there_may_be_many_heads(experiment):
    tables = {}
    for number in range(12):  # more columns than the log keeps figures of
        name = f"h{number}"
        heads = f'heads=[{{name="{name}", column="thing", classes={list(tiny.CLASSES)}}}]'
        how = ("label.num_shards=1", "label.top_k=2", heads)
        tables[name] = tiny.label(experiment, experiment / name, *how)
    whole = join_heads(tables, labels=experiment / "labels")
    assert verify(whole).rows == whole.card.counts.shared_rows == 120
    last = whole.part(tables["h11"].card.head)
    assert without_made_ids(last) == without_made_ids(tables["h11"])


def test_a_table_of_one_head_is_not_replaced_nor_one_of_several(joined, tmp_path, monkeypatch):
    folder, tables, whole = joined
    monkeypatch.chdir(folder)
    with pytest.raises(TableError, match="would be replaced: .*found one of the head 'thing'"):
        join_heads(tables, labels=tables["thing"].path)
    how = ["kinds.toml", "--labels", "labels", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, ["label", *how])
    assert "has several heads: labels: thing, word, kinds; expected a table of one" in done.stderr
    assert open_version(folder / "labels").version == whole.version


def test_rows_that_cannot_be_told_apart_are_an_error(joined):
    _, tables, whole = joined
    part = rows_of_bucket(tables["thing"], 0, 1, ("train",))
    twice = pa.concat_tables([part, part])
    layout = JoinedLayout(parts=(tables["thing"].card.layout,))
    with pytest.raises(
        ConservationError, match=f"rows would be lost: head 'thing': {2 * len(part)}"
    ):
        joined_rows([twice], layout)


def test_a_card_that_does_not_know_a_file_is_damage(joined):
    _, _, whole = joined
    blind = whole.card.model_copy(update={"lacking": {}})
    with pytest.raises(DamagedTableError, match="card does not know a file: .*each of 3 heads"):
        list(dataclasses.replace(whole, card=blind).parts())


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("tasks=['x']", "unknown key"),
        ("tasks={name='thing'}", "unknown key"),
        ("heads=['x', 'y']", "unknown key"),
        ("adjust={seed=1}", "searches the settings of a student of one task; leave it out"),
        ("batches='both'", "batches: found 'both', expected 'own' or 'shared'"),
    ],
)
def test_a_run_of_heads_that_does_not_hold_is_refused(stated, said):
    with pytest.raises(RunFileError, match=said):
        tiny_heads.run(stated, third=False)


def test_a_feature_that_is_called_as_a_column_of_the_head_is_refused():
    layout = tiny.run("corpus.features=['has_thing']").layout()
    with pytest.raises(RunFileError, match="'a' and 'a' both have a column 'has_thing'"):
        check_columns({"a": layout}, source="x.toml")
