"""Questions in Parquet, a row for each, as data sets on a hub have them: the same as in JSON."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusError
from stages.corpus.formats.squad import read as read_squad
from stages.corpus.formats.units import TextFormat, Unit
from stages.rows.intake import Intake
from stages.table.verify import verify
from tests import tiny_questions

ANSWERS = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
ROW = {"id": "1", "question": "Who?", "context": "In 1066, William won."}


def flat(paragraphs):
    """Return rows of questions from SQuAD's own form."""
    rows = []
    for paragraph in paragraphs:
        for one in paragraph["qas"]:
            answers = {key: [a[key] for a in one["answers"]] for key in ("text", "answer_start")}
            row = {"id": one["id"], "title": "t", "question": one["question"]}
            rows.append({**row, "context": paragraph["context"], "answers": answers})
    return rows


def write(path, rows):
    answers = pa.array([row.get("answers") for row in rows], ANSWERS)
    table = pa.table({name: [row.get(name) for row in rows] for name in ("title", *ROW)})
    pq.write_table(table.append_column("answers", answers), path)


def read(path, *, tolerant=False):
    intake = Intake(path.name, tolerant=tolerant)
    found = read_squad(Unit(str(path), path.name), TextFormat(), intake)
    return [row for raw in found for row in raw.table.to_pylist()], [
        one.error for one in intake.refused
    ]


def test_rows_say_what_the_nested_form_says(tmp_path):
    paragraphs = tiny_questions.questions()
    tiny_questions.write(tmp_path, paragraphs)
    write(tmp_path / "questions.parquet", flat(paragraphs))
    assert read(tmp_path / "questions.parquet") == read(tmp_path / "questions.json")


def test_a_table_of_rows_is_that_of_the_nested_form(tmp_path):
    tiny_questions.write(tmp_path)
    nested = tiny_questions.label(tmp_path)
    write(tmp_path / "questions.parquet", flat(tiny_questions.questions()))
    files = ('corpus.files=[{path="questions.parquet"}]', "label.num_shards=2")
    rows = tiny_questions.label(tmp_path, *files)
    assert verify(rows).rows == 90
    columns = ["input_digest", "label_answer", "teacher_answer"]
    one, two = (
        t.read("train", columns).sort_by("input_digest").to_pylist() for t in (nested, rows)
    )
    assert one == two


def test_no_answer_and_none_stated(tmp_path):
    empty = {**ROW, "answers": {"text": [], "answer_start": []}}
    write(tmp_path / "q.parquet", [empty, ROW])
    rows, _ = read(tmp_path / "q.parquet")
    assert [row["answers"] for row in rows] == [[], None]


def test_what_cannot_be_used_is_refused_and_the_rest_is_read(tmp_path):
    answers = [
        {"text": ["William"], "answer_start": [9]},
        {"text": ["Harold"], "answer_start": [9]},
        {"text": ["William", "won"], "answer_start": [9]},
        {"text": ["William"], "answer_start": [9]},
    ]
    rows = [{**ROW, "answers": one} for one in answers]
    write(tmp_path / "q.parquet", rows)
    table = pq.read_table(tmp_path / "q.parquet")
    contexts = pa.array([*[ROW["context"].encode()] * 3, b"cut \xf0"])
    as_text = pa.Array.from_buffers(pa.string(), 4, contexts.buffers())
    pq.write_table(table.set_column(3, "context", as_text), tmp_path / "q.parquet")
    found, refused = read(tmp_path / "q.parquet", tolerant=True)
    assert [row["answers"] for row in found] == [["6:6 William"]]
    assert [said.split(":")[0] for said in refused] == [
        "answer is not in its context",
        "no answer",
        "wrong encoding",
    ]
    assert "row 4 column 'context'" in refused[2]


def test_texts_as_bytes_are_texts_and_other_kinds_are_refused_one_by_one(tmp_path):
    answers = pa.array([{"text": ["William"], "answer_start": [9]}], ANSWERS)
    columns = {"question": [b"Who?"], "context": [ROW["context"].encode()], "id": [b"x"]}
    pq.write_table(pa.table({**columns, "answers": answers}), tmp_path / "q.parquet")
    [row], _ = read(tmp_path / "q.parquet")
    assert (row["answers"], row["id"]) == (["6:6 William"], "x")
    when = pa.array([0], pa.timestamp("s"))
    pq.write_table(pa.table({**columns, "question": when, "id": when}), tmp_path / "q.parquet")
    rows, [said] = read(tmp_path / "q.parquet", tolerant=True)
    assert rows == [] and said.startswith("no question: q.parquet row 1 column 'question'")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"question": ["Who?"]}, "has another form: q.parquet as squad: found no column 'context'"),
        ({"text": ["Who?"]}, "found no column 'question', expected columns question, context and"),
    ],
)
def test_columns_that_are_missing_are_named(columns, said, tmp_path):
    pq.write_table(pa.table(columns), tmp_path / "q.parquet")
    with pytest.raises(CorpusError, match=said):
        read(tmp_path / "q.parquet")


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "q.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(CorpusError, match=r"cannot be read: q\.parquet as squad: .*Mend the file"):
        read(tmp_path / "q.parquet")


def test_json_may_have_the_lists_of_a_hub_too(tmp_path):
    stated = {"text": ["William"], "answer_start": [9]}
    asked = {"id": "1", "question": "Who?", "answers": stated}
    whole = {"data": [{"paragraphs": [{"context": ROW["context"], "qas": [asked]}]}]}
    (tmp_path / "q.json").write_text(json.dumps(whole), encoding="utf-8")
    rows, _ = read(tmp_path / "q.json")
    assert [row["answers"] for row in rows] == [["6:6 William"]]
