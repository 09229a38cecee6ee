"""Whatever a table's log holds, it is read or it is a stated failure, and nothing is removed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import DamagedTableError, StaleTableError, TableError
from stages.label.pipeline import label
from stages.label.planning.plan import plan_label
from stages.table.opening import open_table, open_version
from stages.table.writing.versions import history, history_rows, vacuum
from stages.teachers.places import find_teacher
from tests import tiny


def rewrite(labels, edit):
    """Edit the actions of the log: each is a dictionary of one key."""
    log = labels / "_delta_log" / f"{0:020}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text("\n".join(map(json.dumps, edit(actions) or actions)))


def of(kind, **values):
    """Return an edit that sets values of the first action of a kind; None removes."""

    def edit(actions):
        found = next(action[kind] for action in actions if kind in action)
        found.update(values)

    return edit


def stats(**values):
    def edit(actions):
        found = next(action["add"] for action in actions if "add" in action)
        found["stats"] = json.dumps({**json.loads(found["stats"]), **values})

    return edit


CARDS = {
    "{": "EOF while parsing an object, expected JSON",
    "": "EOF while parsing a value",
    "[]": "found [], expected a section of keys and values",
    "5": "found 5, expected a section",
    "{}": "missing field 'format_version'; missing field 'plan_fingerprint'",
    '{"format_version": [1]}': "field 'format_version': found [1], expected a whole number",
    "[" * 3000: "recursion limit exceeded",
    '{"format_version": ' + "9" * 5000 + "}": "number out of range",
}


@pytest.mark.parametrize("card", [*CARDS, [], 5, {"a": 1}, True], ids=lambda card: str(card)[:12])
def test_a_damaged_card_is_said_with_what_is_wrong_in_it(card, labelled):
    rewrite(labelled / "labels", of("commitInfo", softshards=card))
    expected = CARDS.get(card if isinstance(card, str) else "", "") or "expected the card's JSON"
    with pytest.raises(DamagedTableError) as failure:
        open_version(labelled / "labels")
    assert "table's log is damaged: " in str(failure.value)
    assert (expected if isinstance(card, str) else "expected the card's JSON") in str(failure.value)
    [newest] = history(labelled / "labels")
    assert newest.card is None
    assert history_rows([newest])[1][-1] == "card cannot be read"


DAMAGES = {
    "stats null": (of("add", stats=None), "has num_records None, expected a number of rows"),
    "stats half": (of("add", stats="{"), "has num_records None"),
    "stats empty": (of("add", stats=""), "has num_records None"),
    "stats number": (of("add", stats=5), "has num_records None"),
    "stats section": (of("add", stats={"numRecords": 1}), "table cannot be opened"),
    "rows negative": (stats(numRecords=-1), "has num_records -1, expected a number of rows"),
    "rows huge": (stats(numRecords=10**30), "has num_records None"),
    "no partition": (of("add", partitionValues={}), "table cannot be opened"),
    "partition null": (of("add", partitionValues=None), "table cannot be opened"),
    "split null": (of("add", partitionValues={"split": None}), "table cannot be opened"),
    "split odd": (of("add", partitionValues={"split": "odd"}), "is of split 'odd', expected that"),
    "split other": (of("add", partitionValues={"split": "test"}), "is of split 'test', expected"),
    "size negative": (of("add", size=-1), "has size_bytes -1, expected a number of bytes"),
    "size null": (of("add", size=None), "table cannot be opened"),
    "path above": (of("add", path="../x.parquet"), "names a file '../x.parquet', expected split="),
    "path inside": (of("add", path="split=train/../../x.parquet"), "names a file 'split=train/.."),
    "path absolute": (of("add", path="/etc/hostname"), "names a file '/etc/hostname'"),
    "path elsewhere": (of("add", path="file:///etc/hostname"), "names a file 'file:///etc/host"),
    "path of a folder": (of("add", path="split=train"), "names a file 'split=train', expected"),
    "path long": (of("add", path="x" * 5000), "names a file 'xxx"),
    "path empty": (of("add", path=""), "names a file '', expected"),
    "path null": (of("add", path=None), "table cannot be opened"),
    "no partitions": (of("metaData", partitionColumns=[]), "is of split None, expected"),
    "schema half": (of("metaData", schemaString="{"), "table cannot be opened"),
    "operation": (of("commitInfo", operation=5), "table's log is damaged"),
    "commit null": (lambda actions: [{"commitInfo": None}, *actions[1:]], "log is damaged"),
    "time far": (of("commitInfo", timestamp=10**18), "timestamp': found 1000000000000000000, "),
    "time before": (of("commitInfo", timestamp=-1), "timestamp': found -1, expected a number of 0"),
    "time text": (of("commitInfo", timestamp="x"), "table's log is damaged"),
    "restored": (of("commitInfo", operation="RESTORE"), "restored version is not known"),
    "restored to": (
        of("commitInfo", operation="RESTORE", operationParameters={"version": [1]}),
        "restored version is not known: ",
    ),
    "no schema": (lambda actions: actions[:2] + actions[3:], "table cannot be opened"),
    "nothing": (lambda actions: [{"unknown": {}}], "table cannot be opened"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_log_is_said_and_a_vacuum_removes_nothing(damage, labelled):
    edit, message = DAMAGES[damage]
    labels = labelled / "labels"
    rewrite(labels, edit)
    for act in (open_version, lambda path: vacuum(path, keep_days=0, dry_run=False)):
        with pytest.raises(TableError) as failure:
            act(labels)
        assert message in str(failure.value)
        assert len(str(failure.value)) < 700
        assert "<unknown>" not in str(failure.value)
    assert len(list(labels.glob("split=*/shard-*.parquet"))) == 12


@pytest.mark.parametrize("data", [b"\x00\xff", b"", b"5", b"[]", b"[" * 2000, b'{"commitInfo":'])
def test_a_log_that_is_no_log_is_said(data, labelled):
    (labelled / "labels" / "_delta_log" / f"{0:020}.json").write_bytes(data)
    for act in (open_version, history, lambda path: vacuum(path, keep_days=0, dry_run=False)):
        with pytest.raises(TableError, match="table cannot be opened: .*/labels: "):
            act(labelled / "labels")


def test_a_time_that_is_not_said_is_unknown(labelled):
    rewrite(labelled / "labels", of("commitInfo", timestamp=None))
    [newest] = history(labelled / "labels")
    assert newest.committed_at == "unknown"
    assert open_table(labelled / "labels").card == newest.card


def test_an_operation_that_is_not_said_harms_nothing(labelled):
    rewrite(labelled / "labels", of("commitInfo", operation=None))
    assert open_table(labelled / "labels").card.counts.rows == 120


def test_without_any_card_it_is_none_of_ours(labelled):
    rewrite(labelled / "labels", lambda actions: [a for a in actions if "commitInfo" not in a])
    with pytest.raises(StaleTableError, match="its log has no entry of softshards"):
        open_version(labelled / "labels")


@pytest.mark.parametrize("damage", ["stats null", "path above", "time far", "no partition"])
@pytest.mark.parametrize("name", ["inspect", "verify", "vacuum", "train", "evaluate", "label"])
def test_every_command_says_a_damaged_log_in_one_line(name, damage, labelled):
    rewrite(labelled / "labels", DAMAGES[damage][0])
    own = ["labels"] if name in ("inspect", "verify", "vacuum") else ["run.toml", "--labels"]
    arguments = own if own == ["labels"] else [*own, "labels", "--out", "out"]
    result = CliRunner().invoke(main, [name, *arguments])
    assert result.exit_code == 1, result.output
    assert result.stderr.splitlines()[-1].startswith("error: table")
    assert "Traceback" not in result.stderr


def test_labelling_on_a_damaged_log_calls_no_teacher(labelled):
    rewrite(labelled / "labels", DAMAGES["stats null"][0])
    run = tiny.run("corpus.repeats=once")
    teacher = find_teacher(run, base=labelled, fitted=Path("none"))
    with pytest.raises(DamagedTableError, match="table's log is damaged"):
        label(plan_label(run, base=labelled, teacher=teacher), labels=labelled / "labels")
