"""Cards, vocabularies, records and checkpoints: what is read is what is written, or is refused."""

import io
import json
import zipfile

import numpy as np
import pytest

from schemas.errors import PipelineError
from schemas.export_card import ExportCard
from schemas.report import Report
from schemas.student_card import StudentCard
from schemas.teacher_card import TeacherCard, TeacherMeasures
from stages.inputs.vocabulary_file import read_vocabulary
from stages.inputs.wordpiece import Wordpiece
from stages.machine.cards import card_in
from stages.networks.checkpoint import Checkpoint, Checkpoints, TrainingState
from stages.table.artefacts import read_embeddings
from stages.table.writing.staging import BucketRecord, ShardFile, Staging, UnitRecord
from tests import tiny
from tests.fuzz.campaign import campaign
from tests.fuzz.mutations import mutated_bytes, odd_json
from tests.machine.test_cards import STUDENT, _reported, made  # noqa: F401

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0)]
EXPORTED = ExportCard(
    format="keras",
    student_fingerprint="0" * 32,
    classes=tiny.CLASSES,
    takes="text",
    shape=(None, 16),
    lowercase=True,
    max_length=16,
    size_bytes=1,
    rows=1,
    largest_difference=0.5,
    agreement=1.0,
    milliseconds_a_text=0.5,
    thresholds=(0.5, 0.25, 0.125),
)


def ask_of(path, whole, kind):
    """Return what asks with other cards of a kind; one that is read says what is written."""

    def ask(random):
        path.write_bytes(odd_json(random, json.loads(whole)))
        try:
            found = card_in(path, kind)
        except ValueError as error:
            raise PipelineError(f"card cannot be read: {error}") from error
        written = json.loads(path.read_bytes())
        again = kind.model_validate_json(found.model_dump_json())
        assert again.model_dump_json() == found.model_dump_json()
        assert written.keys() <= kind.model_fields.keys()

    return ask


def test_cards(made, tmp_path):  # noqa: F811
    [measures] = (made / "out" / "labels").glob("_artefacts/*/teacher_measures.json")
    wholes = {
        TeacherCard: (made / "teacher" / "teacher.json").read_bytes(),
        StudentCard: (made / STUDENT / "student.json").read_bytes(),
        Report: (made / "out" / "report" / "report.json").read_bytes(),
        TeacherMeasures: measures.read_bytes(),
        ExportCard: EXPORTED.model_dump_json().encode(),
    }
    for kind, whole in wholes.items():
        campaign(f"cards: {kind.__name__}", ask_of(tmp_path / "card", whole, kind), share=0.2)


def test_vocabularies(tmp_path):
    whole = "\n".join(tiny.VOCABULARY).encode()

    def ask(random):
        (tmp_path / "vocab.txt").write_bytes(mutated_bytes(random, whole))
        pieces = read_vocabulary(tmp_path / "vocab.txt")
        assert len(set(pieces)) == len(pieces)
        reads = Wordpiece(pieces, lowercase=True, max_length=8)
        ids = reads.token_ids(["the old cat"]).numpy()
        assert ids.min() >= 0 and ids.max() < len(pieces)

    campaign("vocabularies", ask)


def test_records(tmp_path):
    staging = Staging(tmp_path, "plan")
    staging.path.mkdir(parents=True)
    file = ShardFile(
        path="split=train/shard-00000-of-00001-ab.parquet", split="train", rows=1, size_bytes=1
    )
    records = {
        "bucket-00000.json": BucketRecord(bucket=0, rows=1, files=(file,)),
        "unit-x.json": UnitRecord(name="x", rows=1, rows_by_bucket={0: 1}),
    }

    def ask(random):
        for name, record in records.items():
            whole = json.loads(record.model_dump_json())
            (staging.path / name).write_bytes(odd_json(random, whole))
        assert set(staging.buckets()) <= {one.bucket for one in staging.buckets().values()}
        assert set(staging.units()) == {one.name for one in staging.units().values()}

    campaign("records of a run that is not finished", ask, share=0.5)


def test_checkpoints(tmp_path):
    kept = Checkpoints(tmp_path)
    for step in (1, 2):
        arrays = [np.full((3, 2), step, np.float32), np.arange(step)]
        kept.save(Checkpoint(TrainingState(step=step), arrays, arrays[:1]))
    wholes = {path.name: path.read_bytes() for path in tmp_path.glob("*.npz")}

    def ask(random):
        for path in tmp_path.iterdir():
            path.unlink()
        spoilt = random.choice(sorted(wholes))
        for name, data in wholes.items():
            changed = mutated_bytes(random, data) if name == spoilt else data
            (tmp_path / name).write_bytes(changed)
        found = kept.newest()
        assert found is not None, "the whole one was not found"
        step = found.state.step
        assert spoilt != next(name for name in wholes if f"-{step:09d}-" in name)
        np.testing.assert_array_equal(found.variables[0], np.full((3, 2), step, np.float32))

    campaign("checkpoints", ask, share=0.5)


def test_embeddings(table):
    path = table.artefacts_path / "embeddings.npy"
    whole = path.read_bytes()

    def ask(random):
        path.write_bytes(mutated_bytes(random, whole))
        read_embeddings(table)
        raise AssertionError("other bytes were taken for the teacher's embeddings")

    campaign("embeddings", ask, share=0.5)


def test_teacher_folders(experiment):
    from stages.teachers.folder import open_teacher
    from stages.teachers.load import load_teacher

    folder = experiment / "teacher"
    wholes = {path.name: path.read_bytes() for path in folder.iterdir()}
    card = json.loads(wholes["teacher.json"])

    def ask(random):
        for name, data in wholes.items():
            (folder / name).write_bytes(data)
        name = random.choice(sorted(wholes))
        if name == "teacher.json":
            (folder / name).write_bytes(odd_json(random, card))
        elif name == "teacher.keras":
            (folder / name).write_bytes(_other_model(random, wholes[name]))
        else:
            (folder / name).write_bytes(mutated_bytes(random, wholes[name]))
        source = open_teacher(folder, classes=tiny.CLASSES)
        teacher = load_teacher(source)
        assert teacher.classes == tiny.CLASSES

    campaign("teacher folders", ask)


def _other_model(random, data):
    """Return a model file that is cut, or whose configuration says something else."""
    if random.random() < 0.3:
        return data[: random.randrange(len(data))]
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            inner = old.read(name)
            if name.endswith(".json") and random.random() < 0.7:
                inner = odd_json(random, json.loads(inner))
            new.writestr(name, inner)
    return stream.getvalue()


def test_student_folders(made):  # noqa: F811
    from stages.evaluate.predict import StudentPredictor
    from stages.train.student_cards import read_student_card

    names = ("student.json", "student.keras", "vocab.txt")
    wholes = {name: (STUDENT / name).read_bytes() for name in names}
    card = json.loads(wholes["student.json"])

    def ask(random):
        for name, data in wholes.items():
            (STUDENT / name).write_bytes(data)
        name = random.choice(names)
        if name == "student.json":
            (STUDENT / name).write_bytes(odd_json(random, card))
        elif name == "student.keras":
            (STUDENT / name).write_bytes(_other_model(random, wholes[name]))
        else:
            (STUDENT / name).write_bytes(mutated_bytes(random, wholes[name]))
        predictor = StudentPredictor(STUDENT, read_student_card(STUDENT))
        predictor.answers(["the old cat", "a pear"])

    campaign("student folders", ask)
