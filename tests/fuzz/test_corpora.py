"""Every corpus format, its bytes changed: each row is used or refused, and none is lost."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusError
from stages.corpus.files import plan_corpus, read_unit
from stages.rows.intake import Intake
from tests import tiny, tiny_questions, tiny_words
from tests.corpus.test_readers import ROWS, WRITERS, how
from tests.fuzz.campaign import campaign
from tests.fuzz.mutations import mutated_bytes, mutated_value

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0)]
WORDS = tiny_words.examples(12)
OF_WORDS = tiny_words.OVERRIDES
ENTITIES = (
    "corpus.format=entities",
    'corpus.features=["words"]',
    'corpus.feature_kinds={words="words"}',
    'heads=[{name="tag", per="token", column="tags", classes=["O", "B-PER", "I-PER"]}]',
    'teacher={kind="module", callable="tests.tiny_words:make"}',
)
CONLL = ("corpus.format=conll", "corpus.conll_columns={words=0, tags=-1}", *OF_WORDS)
NUMBERS = ('heads=[{name="value", kind="regression"}]', "train.loss=squared_error")
LABELS = ('heads=[{name="thing", kind="sigmoid", classes=["animal", "fruit", "tool"]}]',)


def lines(rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode(
        "utf-8", "surrogatepass"
    )


def conll_text():
    blocks = ["\n".join(map("\t".join, zip(r["words"], r["tags"], strict=True))) for r in WORDS]
    return "\n\n".join(blocks).encode()


def squad_text():
    paragraphs = tiny_questions.questions(6)
    return json.dumps({"data": [{"title": "x", "paragraphs": paragraphs}]}).encode()


def parquet_of(tmp_path, rows):
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows", row_group_size=2)
    return (tmp_path / "rows").read_bytes()


def texts(name, tmp_path):
    WRITERS[name](tmp_path / name)
    return (tmp_path / name).read_bytes()


MET = {"text": "Ada met him", "entities": [[0, 3, "PER"]], "id": "1"}
SIGNS = [{"text": "x", "thing": ["animal"]}, {"text": "y", "thing": []}]
VALUES = [{"text": "x", "value": 0.5}, {"text": "y", "value": None}]
SEEDS = {
    **{name: (how(name), lambda to, name=name: texts(name, to)) for name in WRITERS},
    "conll": (CONLL, lambda to: conll_text()),
    "squad": (tiny_questions.OVERRIDES[:1] + tiny_questions.OVERRIDES[2:], lambda to: squad_text()),
    "entities": (ENTITIES, lambda to: lines([MET] * 4)),
    "jsonl of words": (OF_WORDS, lambda to: lines(WORDS)),
    "jsonl of labels": (LABELS, lambda to: lines(SIGNS)),
    "jsonl of numbers": (NUMBERS, lambda to: lines(VALUES)),
    "parquet of words": (
        ("corpus.format=parquet", *OF_WORDS),
        lambda to: parquet_of(to, WORDS),
    ),
}
OF_JSON = {
    "jsonl": ROWS,
    "entities": [MET] * 4,
    "jsonl of words": WORDS[:4],
    "jsonl of labels": SIGNS,
    "jsonl of numbers": VALUES,
}


def read_all(run, folder, *, tolerant):
    """Read a corpus; compare what was seen with what is used and refused."""
    for unit in plan_corpus(run, base=folder).units:
        intake = Intake(unit.source, tolerant=tolerant)
        used = 0
        for rows in read_unit(unit, run.corpus, run.head, intake):
            rows.validate(full=True)
            used += rows.num_rows
            assert rows["source_row"].null_count == 0
        assert intake.seen == used + len(intake.refused), "rows were lost or doubled"


@pytest.mark.parametrize("name", SEEDS)
def test_a_changed_corpus_is_read_or_refused(name, tmp_path):
    overrides, make = SEEDS[name]
    whole = make(tmp_path)
    run = tiny.run(*overrides, 'corpus.files=[{path="corpus"}]')

    def ask(random):
        if name in OF_JSON and random.random() < 0.5:
            data = lines([mutated_value(random, row, most=2) for row in OF_JSON[name]])
        else:
            data = mutated_bytes(random, whole)
        (tmp_path / "corpus").write_bytes(data)
        try:
            read_all(run, tmp_path, tolerant=random.random() < 0.5)
        except CorpusError as error:
            assert "corpus" in str(error), str(error)
            raise

    campaign(f"corpora: {name}", ask, share=0.5)
