"""A file where a folder is to be, and the reverse, is said before anything is done."""

import pytest
from click.testing import CliRunner

from run_pipeline import main
from schemas.asset import Asset
from schemas.errors import AssetError
from stages.places.assets import resolve_files, resolve_model

OF_STUDENTS = ("train", "adjust", "evaluate", "export")
COMMANDS = {
    "run --out": ["run", "run.toml", "--out"],
    "teach --out": ["teach", "run.toml", "--out"],
    "plan --labels": ["plan", "run.toml", "--labels"],
    "plan --out": ["plan", "run.toml", "--labels", "labels", "--out"],
    "label --labels": ["label", "run.toml", "--labels"],
    "label --out": ["label", "run.toml", "--labels", "labels", "--out"],
    "combine --labels": ["combine", "run.toml", "--from", "labels", "--labels"],
    "combine --from": ["combine", "run.toml", "--labels", "labels", "--from"],
    **{f"{name} --out": [name, "run.toml", "--labels", "x", "--out"] for name in OF_STUDENTS},
    **{f"{name} --labels": [name, "run.toml", "--out", "x", "--labels"] for name in OF_STUDENTS},
    **{name: [name] for name in ("inspect", "verify", "history", "vacuum")},
}


def line_of(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1, result.output
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("inside", ["", "/a/b"])
def test_a_file_is_no_folder(command, inside, experiment):
    (experiment / "FILE").write_text("mine")
    line = line_of([*COMMANDS[command], f"FILE{inside}"])
    assert f"folder cannot be used: FILE{inside}: FILE is a file. Name another" in line
    assert (experiment / "FILE").read_text() == "mine"


def test_a_broken_link_and_a_name_that_is_too_long_are_no_folders(experiment):
    (experiment / "link").symlink_to("nowhere")
    assert "link is a broken link" in line_of(["run", "run.toml", "--out", "link/out"])
    assert "File name too long" in line_of(["run", "run.toml", "--out", "x" * 300])


@pytest.mark.parametrize("place", [".", "none.toml", "run.toml/inner", "x" * 300])
def test_a_run_file_that_is_no_file_is_said(place, experiment):
    line = line_of(["plan", place, "--labels", "labels"])
    assert "run file cannot be read: " in line


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data/**.jsonl", "`**` stands for folders, as in data/**/*.jsonl"),
        ("**x/*.jsonl", "Mend the pattern"),
        ("", "no such file:  (looked in"),
        ("x" * 300, "File name too long. Mend the path"),
        ("x" * 300 + "/*", "File name too long"),
        ("corpus.jsonl/x", "no such file: corpus.jsonl/x"),
        ("teacher", "no such file: teacher"),
        ("[", "no such file: ["),
        ("owner/name", 'files = [{ handle = "hf://datasets/owner/name", path = "…" }]'),
    ],
)
def test_a_path_of_a_corpus_that_is_none_is_said(path, message, experiment):
    with pytest.raises(AssetError) as failure:
        resolve_files(Asset(path=path), base=experiment)
    assert message in str(failure.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("owner/name", 'source = { handle = "hf://owner/name" }'),
        ("my-teacher/v1.0", 'handle = "hf://my-teacher/v1.0"'),
        ("a/b/c", "no such file or folder: a/b/c"),
        ("../x", "no such file or folder: ../x"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_path_of_a_model_that_looks_like_a_hubs_says_how_that_is_stated(
    path, message, experiment
):
    with pytest.raises(AssetError) as failure:
        resolve_model(Asset(path=path), base=experiment)
    assert message in str(failure.value)
    assert ("hf://" in str(failure.value)) == (path.count("/") == 1 and path[0] != ".")


@pytest.mark.parametrize("kind", ["keras", "transformers", "keras_hub"])
def test_plan_says_how_a_teacher_of_the_hub_is_stated(kind, experiment):
    line = line_of(
        ["plan", "run.toml", "--labels", "x", "--set", f"teacher={{kind='{kind}',path='own/it'}}"]
    )
    assert 'source = { handle = "hf://o' in line
