"""What one task learns from and another holds out: said, left out or refused, where they join."""

import json
import re

import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import CorpusError
from stages.combine.heads import join_heads
from stages.run.inspect import inspect_folder
from stages.table.opening import table_exists
from stages.table.verify import verify
from stages.train.plan import learns_from
from tests import tiny, tiny_tasks

FIRST = [
    ("the cat", "animal", "train"),
    ("my dog", "animal", "train"),
    ("my dog", "animal", "train"),
    ("one pear", "fruit", "validation"),
    ("old axe", "tool", "test"),
    ("red plum", "fruit", "train"),
]
SECOND = [
    ("the cat", "animal", "test"),
    ("my dog", "animal", "validation"),
    ("one pear", "fruit", "test"),
    ("big saw", "tool", "train"),
    ("old axe", "tool", "train"),
    ("red plum", "fruit", "train"),
]
VIEWS = (
    'label.views={seed=1, augmenters=[{kind="tests.combine.test_held_out:last_words", count=1}]}'
)


def last_words(words, draw, around):
    """Return a view: the text without its first word, of the cat one that `big` begins."""
    return ["big", "saw"] if words == ["the", "cat"] else words[1:]


def how_of(name, *more):
    head = f'heads=[{{name="{name}", column="thing", classes={list(tiny.CLASSES)}}}]'
    files = f'corpus.files=[{{path="{name}.jsonl"}}]'
    return tiny.run(head, files, 'corpus.split={column="part"}', *more)


def labelled(folder, *, second=SECOND, first_more=(), second_more=()):
    found = {}
    for name, rows, more in (("first", FIRST, first_more), ("second", second, second_more)):
        rows = [{"text": text, "thing": label, "part": part} for text, label, part in rows]
        tiny.write_corpus(folder / f"{name}.jsonl", rows)
        found[name] = tiny.label_run(folder, how_of(name, *more), f"own/{name}")
    return found


def texts(table, *, views=False):
    rows = [row for row in tiny.rows_of(table) if bool(row["view"]) == views]
    return sorted((row["text"], row["split"]) for row in rows)


def parts_of(joined):
    return {part.card.head.name: part for part in joined.parts()}


def test_by_default_they_stay_and_that_is_said_of_each_task(experiment, capsys):
    tables = labelled(experiment)
    joined = join_heads(tables, labels=experiment / "labels")
    assert (
        "join: first: 3 inputs that it learns from are held out in another task. second: 1 input "
        'that it learns from is held out in another task; with corpus.crossing = "drop" these '
        "rows are left out\n"
    ) in capsys.readouterr().err
    parts = parts_of(joined)
    assert all(texts(parts[name]) == texts(tables[name]) for name in tables)
    assert [parts[name].card.across.inputs for name in tables] == [3, 1]
    assert [parts[name].card.counts for name in tables] == [
        one.card.counts for one in tables.values()
    ]
    assert "held out in another task  3 inputs that it learns" in inspect_folder(
        experiment / "labels", as_json=False
    )
    same = [learns_from(how_of(name), tables[name], "student") for name in tables]
    assert [learns_from(how_of(name), parts[name], "student") for name in tables] == same
    assert join_heads(tables, labels=experiment / "labels").version == joined.version


@pytest.mark.parametrize("of", [("first", "second"), ("first",), ("second",)])
def test_dropped_they_stay_where_they_are_held_out_most(experiment, of):
    tables = labelled(experiment)
    crossing = dict.fromkeys(of, "drop")
    joined = join_heads(tables, labels=experiment / "labels", crossing=crossing)
    parts = parts_of(joined)
    assert texts(parts["first"]) == [("old axe", "test"), ("red plum", "train")]
    assert texts(parts["second"]) == sorted(
        (text, part) for text, _, part in SECOND if text != "old axe"
    )
    counts = parts["first"].card.counts
    assert (counts.rows, counts.split_rows["train"], counts.split_rows["validation"]) == (2, 1, 0)
    assert parts["first"].card.across.left_out == {"train": 3, "validation": 1}
    assert parts["second"].card.across.left_out == {"train": 1}
    assert joined.card.counts.crossing_inputs == 0
    verify(joined)
    how = how_of("first")
    assert learns_from(how, parts["first"], "student") != learns_from(
        how, tables["first"], "student"
    )


def test_another_statement_makes_another_table(experiment):
    tables = labelled(experiment)
    kept = join_heads(tables, labels=experiment / "labels")
    dropped = join_heads(tables, labels=experiment / "labels", crossing={"first": "drop"})
    assert dropped.version == kept.version + 1


@pytest.mark.parametrize("of", ["first", "second"])
def test_as_an_error_they_are_named_and_nothing_is_joined(experiment, of):
    tables = labelled(experiment)
    with pytest.raises(CorpusError) as raised:
        join_heads(tables, labels=experiment / "labels", crossing={of: "error"})
    assert "task 'first' learns from are held out in another task: first.jsonl row" in str(
        raised.value
    )
    assert not table_exists(experiment / "labels")


def test_a_view_that_another_task_holds_out_is_never_trained_on(experiment, capsys):
    second = [("pear", "fruit", "test"), ("big saw", "tool", "train"), ("dog", "animal", "train")]
    second += [("dog", "animal", "validation"), ("plum", "fruit", "train")]
    tables = labelled(experiment, second=second, first_more=(VIEWS,))
    made = texts(tables["first"], views=True)
    assert made == [("big saw", "train"), ("dog", "train"), ("plum", "train")]
    joined = join_heads(tables, labels=experiment / "labels")
    parts = parts_of(joined)
    assert texts(parts["first"], views=True) == [("big saw", "train"), ("plum", "train")]
    assert texts(parts["first"]) == texts(tables["first"])
    assert parts["first"].card.across.views_left_out == 1
    assert parts["first"].card.counts.views == tables["first"].card.counts.views - 1
    assert "; 1 view left out, of these or held out in a task" in capsys.readouterr().err
    verify(joined)


def test_views_go_with_the_row_that_is_left_out(experiment):
    tables = labelled(experiment, first_more=(VIEWS,))
    joined = join_heads(tables, labels=experiment / "labels", crossing={"first": "drop"})
    first = parts_of(joined)["first"]
    assert texts(first, views=True) == [("plum", "train")]
    assert first.card.across.views_left_out == 2
    verify(joined)


def test_where_nothing_crosses_the_plan_is_as_before(experiment, monkeypatch):
    second = [("big saw", "tool", part) for part in ("train",)] + [("old axe", "tool", "test")]
    tables = labelled(experiment, second=second)
    stated = []
    from stages.combine import heads

    kept = heads.fingerprint
    monkeypatch.setattr(heads, "fingerprint", lambda parts: stated.append(parts) or kept(parts))
    joined = join_heads(tables, labels=experiment / "labels", crossing={"first": "drop"})
    assert set(stated[0]) == {"format_version", "num_shards", "tables"}
    assert all("across" not in json.loads(part.card.model_dump_json()) for part in joined.parts())


def test_a_run_of_several_tasks_says_it_in_its_reports_or_refuses(experiment):
    labelled(experiment)
    tasks = ""
    for name in ("first", "second"):
        text = tiny.RUN_TEXT.replace('name = "thing"', f'name = "{name}"\ncolumn = "thing"')
        text = text.replace("corpus.jsonl", f"{name}.jsonl")
        split = """split = { column = "part" }\ncrossing = "CROSSING\""""
        text = text.replace("split = { validation = 0.2, test = 0.2 }", split)
        (experiment / f"{name}.toml").write_text(text)
        tasks += f'[[tasks]]\nname = "{name}"\nrun = "{name}.toml"\n'
    run = tiny_tasks.RUN_TEXT.split("[train]")[1].replace("epochs = 2", "epochs = 1")
    (experiment / "both.toml").write_text(f'name = "both"\n{tasks}[train]{run}')

    def runs(crossing):
        for name in ("first", "second"):
            text = (experiment / f"{name}.toml").read_text()
            (experiment / f"{name}.toml").write_text(re.sub("CROSSING|keep|error", crossing, text))
        return CliRunner().invoke(main, ["run", "both.toml", "--out", "out"])

    done = runs("keep")
    assert done.exit_code == 0, done.stderr
    assert "3 inputs that it learns from are held out in another task" in done.stdout
    report = (experiment / "out/by_task/first/report/report.html").read_text()
    assert "3 inputs that it learns from are held out in another task" in report
    done = runs("error")
    assert done.exit_code == 1
    assert "error: inputs that task 'first' learns from are held out" in done.stderr
