"""MiniLM and real texts for the benchmarks: AG News, where it is at hand."""

import itertools
import json

import pytest

from stages.run.experiment import read_run_file
from tests.architecture.test_top_level import ROOT

NEWS = ROOT.parent / "shared" / "data" / "ag_news" / "train10k_description_only.tsv"
RECIPE = ROOT / "stages" / "recipes" / "trec.toml"
CLASSES = ("world", "sports", "business", "science")
TEXTS, FEW = 8192, 512
WINDOW = 128


def news(count):
    if not NEWS.is_file():
        pytest.skip("the AG News texts are not here")
    lines = NEWS.read_text(encoding="utf-8").splitlines()
    texts = (max(line.split("\t"), key=len) for line in lines)
    return list(itertools.islice(dict.fromkeys(texts), count))


def write_experiment(made):
    """Write the texts, and MiniLM under a new head: its speed is that of a trained one."""
    from schemas.teacher_card import TeacherCard
    from stages.networks.encoder import load_encoder
    from stages.places.assets import resolve_model
    from stages.teach.encoder import classifier

    rows = [{"text": text, "thing": None} for text in news(TEXTS)]
    (made / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    encoder, pieces = load_encoder(
        resolve_model(read_run_file(RECIPE).teacher.encoder, base=ROOT).location
    )
    place = made / "teacher"
    place.mkdir()
    classifier(encoder, classes=len(CLASSES), dropout=0.1).save(place / "teacher.keras")
    (place / "vocab.txt").write_text("\n".join(pieces))
    card = TeacherCard(classes=CLASSES, max_length=WINDOW, lowercase=True)
    (place / "teacher.json").write_text(card.model_dump_json())
    return made


def source(folder, **how):
    from stages.teachers.folder import open_teacher
    from stages.teachers.parts.source import KERAS

    return open_teacher(folder / "teacher", classes=CLASSES, how=KERAS.model_copy(update=how))
