"""Table folders and logs: what is opened is whole, what is not is said, nothing is removed."""

import json
import shutil

import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.errors import PipelineError
from stages.table.opening import open_version
from stages.table.shard import check_bytes
from stages.table.verify import verify
from stages.table.writing.versions import history, history_rows, vacuum
from tests.fuzz.campaign import campaign
from tests.fuzz.mutations import ODD_TEXTS, mutated_bytes, mutated_value

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0)]
LOG = f"_delta_log/{0:020}.json"


def ask_of_log(labels, change):
    """Return what asks with other logs: every reader of them, none of which removes a shard."""
    log = labels / LOG
    whole = log.read_bytes()
    rows = verify(open_version(labels)).rows
    shards = set(labels.glob("split=*/*.parquet"))

    def ask(random):
        log.write_bytes(change(random, whole))
        for act in (lambda: history_rows(history(labels)), lambda: remove(labels)):
            try:
                act()
            except PipelineError as error:
                assert str(error).isprintable() and len(str(error)) < 1500
            assert set(labels.glob("split=*/*.parquet")) == shards, "a shard was removed"
        assert verify(open_version(labels)).rows == rows, "rows are missing, and nobody says so"

    return ask


def remove(labels):
    """Remove what no version needs; where a log lost a file, that file must stay."""
    vacuum(labels, keep_days=0, dry_run=False)


def test_actions_of_a_log(labelled):
    def change(random, whole):
        actions = [json.loads(line) for line in whole.decode().splitlines()]
        place = random.randrange(len(actions))
        [kind] = actions[place]
        if kind == "commitInfo" and random.random() < 0.5:
            card = mutated_value(random, json.loads(actions[place][kind]["softshards"]))
            actions[place][kind]["softshards"] = json.dumps(card)
        elif kind == "add" and random.random() < 0.3:
            stats = mutated_value(random, json.loads(actions[place][kind]["stats"]))
            actions[place][kind]["stats"] = json.dumps(stats)
        else:
            actions[place] = {kind: mutated_value(random, actions[place][kind])}
        return "\n".join(map(json.dumps, actions)).encode()

    campaign("actions of a log", ask_of_log(labelled / "labels", change), share=1.5)


def test_bytes_of_a_log(labelled):
    campaign("bytes of a log", ask_of_log(labelled / "labels", mutated_bytes))


def test_bytes_of_a_shard(labelled):
    table = open_version(labelled / "labels")

    def ask(random):
        shard = random.choice(table.shards)
        whole = shard.path.read_bytes()
        try:
            shard.path.write_bytes(mutated_bytes(random, whole))
            for check in (lambda: check_bytes(shard), lambda: verify(table)):
                try:
                    check()
                except PipelineError:
                    continue
                raise AssertionError(f"other bytes of {shard.path.name} were let pass")
        finally:
            shard.path.write_bytes(whole)

    campaign("bytes of a shard", ask)


def test_arguments_of_commands(labelled):
    """Every command that is quick, with places and options that are mixed up."""
    (labelled / "FILE").write_text("x")
    (labelled / "empty").mkdir()
    places = ["labels", "teacher", "run.toml", "FILE", "empty", ".", "none", "labels/split=train"]
    sayable = [one for one in ODD_TEXTS if "\0" not in one and "\ud83d" not in one]
    numbers = ["0", "-1", "nan", "inf", "1e9", "x", "", "7"]
    kept = labelled.parent / "kept"
    shutil.copytree(labelled, kept)
    before = {path: path.stat().st_size for path in labelled.rglob("*") if path.is_file()}

    def ask(random):
        def place():
            return random.choice((*places, *sayable))

        def number():
            return random.choice(numbers)

        arguments = random.choice(
            (
                lambda: ["inspect", place(), *random.choice(([], ["--json"]))],
                lambda: ["history", place()],
                lambda: ["verify", place(), "--max-kl", number(), "--inputs", number()],
                lambda: ["vacuum", place(), "--dry-run", "--keep-days", number()],
                lambda: ["plan", place(), "--labels", place(), "--out", place()],
                lambda: ["export", place(), "--labels", place(), "--out", place()],
                lambda: ["combine", "run.toml", "--from", place(), "--labels", "none"],
            )
        )()
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code in (0, 1, 2), f"{arguments}: {result.exit_code}: {result.output}"
        assert "Traceback" not in result.output, f"{arguments}: {result.output}"
        if result.exit_code == 1:
            assert result.stderr.splitlines()[-1].startswith("error: "), f"{arguments}"
            assert "traceback" not in result.stderr, f"{arguments}: {result.stderr}"
        after = {path: path.stat().st_size for path in before}
        assert after == before, f"{arguments} changed files"

    campaign("arguments of commands", ask)
