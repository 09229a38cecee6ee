"""The commands on the tiny experiment: what they print, exit codes, and every bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from run_pipeline import main
from stages.table.opening import table_exists
from tests import tiny


def command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def failed(result, code=1):
    """Return the one line that a failed command printed."""
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert result.stderr.splitlines()[-1] == lines[0]
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    return lines[0]


def test_run_does_it_all_and_a_second_run_nothing(experiment):
    first = command("run", "run.toml", "--out", "out")
    assert first.exit_code == 0, first.stderr
    assert "bag student" in first.stdout
    assert "bag baseline" in first.stdout
    second = command("run", "run.toml", "--out", "out")
    assert second.stdout == first.stdout
    assert second.stderr.splitlines() == [
        "label: nothing to do, out/labels is up to date",
        "train: nothing to do, 2 students are up to date",
        "evaluate: nothing to do, out/report is up to date",
    ]


def test_the_stages_one_by_one(experiment):
    assert command("label", "run.toml", "--labels", "labels").exit_code == 0
    assert command("train", "run.toml", "--labels", "labels", "--out", "out").exit_code == 0
    done = command("evaluate", "run.toml", "--labels", "labels", "--out", "out")
    assert done.exit_code == 0, done.stderr
    for folder, word in (
        ("labels", "distinct inputs"),
        ("teacher", "classes"),
        ("out/students/bag/seed-1/student", "parameters"),
        ("out/report", "bag student"),
        ("out", "bag student"),
    ):
        assert word in command("inspect", folder).stdout
        assert json.loads(command("inspect", folder, "--json").stdout)


def test_an_override_is_recorded_in_the_table(experiment):
    done = command("label", "run.toml", "--labels", "labels", "--set", "label.num_shards=2")
    assert done.exit_code == 0, done.stderr
    card = json.loads(command("inspect", "labels", "--json").stdout)
    assert card["run_file"]["label"]["num_shards"] == card["num_shards"] == 2


def test_beam_options_follow_two_dashes(experiment):
    result = command("label", "run.toml", "--labels", "labels", "--", "--runner=DaskRunner")
    assert "runner refused: DaskRunner" in failed(result)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("run", ["run.toml"]), ("label", []), ("train", ["run.toml", "--labels", "x"]), ("no", [])],
)
def test_wrong_usage_exits_with_2(name, arguments):
    assert command(name, *arguments).exit_code == 2


def bad_run_file(experiment):
    (experiment / "run.toml").unlink()


def typo(experiment):
    path = experiment / "run.toml"
    path.write_text(path.read_text().replace("num_shards", "num_shard"))


def missing_corpus(experiment):
    (experiment / "corpus.jsonl").unlink()


def empty_corpus(experiment):
    (experiment / "corpus.jsonl").write_text("")


def unknown_column(experiment):
    rows = [{"words": row["text"], "thing": row["thing"]} for row in tiny.examples()]
    tiny.write_corpus(experiment / "corpus.jsonl", rows)


def unknown_class(experiment):
    tiny.write_corpus(experiment / "corpus.jsonl", [{"text": "x", "thing": "planet"}])


def other_classes(experiment):
    tiny.write_teacher(experiment / "teacher", classes=("animal", "fruit"))


def nan_logits(experiment):
    tiny.write_teacher(experiment / "teacher", bias=float("nan"))


def no_teacher(experiment):
    (experiment / "teacher" / "teacher.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (bad_run_file, "run file cannot be read: run.toml"),
        (typo, "unknown key 'label.num_shard'; did you mean 'num_shards'?"),
        (missing_corpus, "no such file: corpus.jsonl"),
        (empty_corpus, "corpus is empty"),
        (unknown_column, "unknown column: 'text' in corpus.jsonl: found ['words', 'thing']"),
        (unknown_class, "unknown class: corpus.jsonl row 1 column 'thing': found 'planet'"),
        (other_classes, "teacher has other classes: "),
        (nan_logits, "teacher cannot answer: input "),
        (no_teacher, "no teacher: "),
    ],
)
def test_bad_input_is_one_line_and_nothing_becomes_visible(spoil, message, experiment):
    spoil(experiment)
    assert message in failed(command("run", "run.toml", "--out", "out"))
    assert not table_exists(experiment / "out" / "labels")
    assert not (experiment / "out" / "students").exists()


def test_a_table_made_by_another_teacher_is_refused(labelled):
    tiny.write_teacher(labelled / "teacher", bias=1.0)
    line = failed(command("train", "run.toml", "--labels", "labels", "--out", "out"))
    assert "table was made by another teacher: labels" in line


def test_without_the_teachers_folder_the_table_is_enough(labelled):
    for file in (labelled / "teacher").iterdir():
        file.unlink()
    done = command("train", "run.toml", "--labels", "labels", "--out", "out")
    assert done.exit_code == 0, done.stderr


def test_a_truncated_shard_is_refused(labelled):
    shard = next((labelled / "labels").glob("split=train/*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])
    line = failed(command("train", "run.toml", "--labels", "labels", "--out", "out"))
    assert f"shard is damaged: {shard.relative_to(labelled)}" in line


OWN_STUDENT = """
import keras

@keras.saving.register_keras_serializable("mine")
class Halve(keras.layers.Layer):
    def call(self, inputs):
        return inputs / 2

def build(*, vocabulary_size, classes, width):
    ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(vocabulary_size, width)(ids)
    hidden = keras.layers.GlobalMaxPooling1D()(Halve()(hidden))
    return keras.Model(ids, keras.layers.Dense(classes)(hidden))
"""


def test_a_student_of_ones_own_is_trained_and_loaded_by_separate_commands(labelled):
    (labelled / "my_students.py").write_text(OWN_STUDENT)
    own = '{name="mine", kind="my_students:build", options={width=4}}'
    settings = ["--labels", "labels", "--out", "out", "--set", f"train.students=[{own}]"]
    for name in ("train", "evaluate"):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("softshards")), name, "run.toml", *settings],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert "mine student" in done.stdout


def test_history_and_vacuum(labelled):
    tiny.write_corpus(labelled / "corpus.jsonl", tiny.examples(30))
    assert command("label", "run.toml", "--labels", "labels").exit_code == 0
    listed = command("history", "labels").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["version", "1", "0"]
    named = command("vacuum", "labels", "--keep-days", "0", "--dry-run").stdout.splitlines()
    assert named
    assert command("vacuum", "labels", "--keep-days", "0").stdout.splitlines() == named
    assert "is whole: 30 rows" in command("verify", "labels").stdout


def test_plan_says_what_label_would_do_and_writes_nothing(experiment):
    done = command("plan", "run.toml", "--labels", "labels")
    assert done.exit_code == 0, done.stderr
    distinct = len({row["text"] for row in tiny.examples()})
    assert ["teacher", "calls", str(distinct)] in [
        line.split() for line in done.stdout.splitlines()
    ]
    assert not (experiment / "labels").exists()
    assert "60 inputs" in done.stdout.splitlines()[-1]
    nobody = command("plan", "run.toml", "--labels", "labels", "--sample", "0")
    assert "0 inputs" in nobody.stdout.splitlines()[-1]


def test_a_budget_of_calls_is_refused_in_one_line(experiment):
    stated = ("--set", "label.max_teacher_calls=10")
    line = failed(command("label", "run.toml", "--labels", "labels", *stated))
    assert line.startswith("error: teacher would be asked too often: labels: 68 calls (0 until now")


def test_verify_says_that_a_table_is_whole_or_what_is_wrong(labelled):
    assert "is whole: 120 rows" in command("verify", "labels").stdout
    said = command("verify", "labels", "--with-teacher", "run.toml").stdout
    assert "its teacher says the same on 120 rows (60 distinct inputs): mean KL" in said
    shard = next((labelled / "labels").glob("split=train/*.parquet"))
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    assert "table is damaged: labels: " in failed(command("verify", "labels"))


def test_there_is_nothing_to_inspect(experiment):
    (experiment / "empty").mkdir()
    assert "nothing to inspect: empty" in failed(command("inspect", "empty"))
    said = "error: nothing to inspect: none: there is no such folder. Mend the path."
    assert failed(command("inspect", "none")).strip() == said


def test_a_run_file_that_is_not_there_is_said_once(experiment):
    line = failed(command("label", "none.toml", "--labels", "labels"))
    assert line.strip() == "error: run file cannot be read: none.toml: no such file. Mend the path."


@pytest.mark.parametrize("number", ["inf", "-inf", "1e400", "-1", "1e300"])
@pytest.mark.parametrize("option", ["vacuum --keep-days", "verify --max-flips"])
def test_an_option_takes_only_numbers_of_its_range(option, number, labelled):
    name, option = option.split()
    result = command(name, "labels", option, number)
    assert result.exit_code == 2, result.output
    assert "Invalid value" in result.stderr


def test_nan_days_are_no_days_to_keep_files(labelled):
    line = failed(command("vacuum", "labels", "--keep-days", "nan"))
    assert "they are to be kept nan days, expected a number from 0 to 100000" in line


@pytest.mark.parametrize(
    ("option", "number"), [("--max-kl", "nan"), ("--max-kl", "inf"), ("--max-flips", "nan")]
)
def test_a_tolerance_is_finite(option, number, labelled):
    line = failed(command("verify", "labels", option, number))
    assert f"is {number}, expected a finite number" in line


@pytest.mark.parametrize("stated", ["foo", "=3", "train..epochs=3"])
def test_an_override_that_assigns_nothing_is_wrong_usage(experiment, stated):
    done = command("train", "run.toml", "--labels", "labels", "--out", "out", "--set", stated)
    assert done.exit_code == 2
    assert done.stderr == (
        f"error: override cannot be read: --set {stated!r}. Expected section.key=value.\n"
    )
