"""Corpus formats: the same rows from each, and one clear line for what cannot be read."""

import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusError
from stages.corpus.files import plan_corpus, read_unit
from stages.corpus.formats import units_of
from stages.rows.intake import Intake
from tests import tiny

ROWS = [
    {"text": 'a "quoted", comma', "thing": "animal"},
    {"text": "a\ttab and ünïcode", "thing": "fruit"},
    {"text": "no label", "thing": None},
]


def write_parquet(path):
    pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=2)


def write_jsonl(path):
    path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")


def write_csv(path):
    path.write_text(
        'text,thing\n"a ""quoted"", comma",animal\na\ttab and ünïcode,fruit\nno label,\n',
        encoding="utf-8",
    )


def write_tsv(path):
    path.write_text(
        'text\tthing\n"a ""quoted"", comma"\tanimal\n"a\ttab and ünïcode"\tfruit\nno label\t\n',
        encoding="utf-8",
    )


def write_lines(path):
    rows = [f"{row['thing'] or ''}|{row['text']}\r\n" for row in ROWS]
    path.write_text("".join(rows), encoding="utf-8", newline="")


WRITERS = {
    "parquet": write_parquet,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "tsv": write_tsv,
    "lines": write_lines,
}


def read(folder, name, *overrides, tolerant=False):
    run = tiny.run(f'corpus.files=[{{path="{name}"}}]', *overrides)
    plan = plan_corpus(run, base=folder)
    parts = []
    for unit in plan.units:
        intake = Intake(unit.source, tolerant=tolerant)
        parts += read_unit(unit, run.corpus, run.head, intake)
    return pa.concat_tables(parts)


def how(format):
    pattern = ("corpus.line_pattern='(?P<thing>[a-z]*)[|](?P<text>.*)'",)
    return (f"corpus.format={format}", *(pattern if format == "lines" else ()))


@pytest.mark.parametrize("format", WRITERS)
def test_every_format_gives_the_same_rows(format, tmp_path):
    WRITERS[format](tmp_path / "corpus")
    rows = read(tmp_path, "corpus", *how(format))
    assert rows["text"].to_pylist() == [row["text"] for row in ROWS]
    assert rows["label_thing"].to_pylist() == [row["thing"] for row in ROWS]
    assert rows["source_row"].to_pylist() == [1, 2, 3]
    assert set(rows["source_file"].to_pylist()) == {"corpus"}


def test_a_class_may_be_a_number(tmp_path):
    pq.write_table(pa.table({"text": ["x"], "thing": pa.array([1])}), tmp_path / "c")
    rows = read(tmp_path, "c", "corpus.format=parquet", 'heads=[{name="thing",classes=["0","1"]}]')
    assert rows["label_thing"].to_pylist() == ["1"]


@pytest.mark.parametrize(
    ("format", "text", "message"),
    [
        ("jsonl", '{"text": "a"\n', "not JSON: corpus row 1"),
        ("jsonl", '{"text": "a", "thing": "fruit"}\n[1]\n', "not a JSON object: corpus row 2"),
        (
            "jsonl",
            '{"text": "a", "thing": 0.5}\n',
            "wrong type: corpus row 1 column 'thing': .*float",
        ),
        ("jsonl", '{"text": "a", "thing": "frit"}\n', "row 1 column 'thing': found 'frit', "),
        ("jsonl", '{"text": "a", "thing": "frit"}\n', "Did you mean 'fruit'?"),
        ("jsonl", '{"txt": "a", "thing": "fruit"}\n', "unknown column: 'text' in corpus"),
        ("jsonl", '{"txt": "a", "thing": "fruit"}\n', "Did you mean 'txt'?"),
        ("jsonl", '{"text": null, "thing": "fruit"}\n', "no value: corpus row 1 column 'text'"),
        (
            "jsonl",
            '{"text": ["a"], "thing": "fruit"}\n',
            "wrong type: corpus row 1 column 'text': found list",
        ),
        (
            "csv",
            "text,thing\na,fruit,more\n",
            "row does not fit: corpus row 1: found 3 cells, expected 2",
        ),
        ("parquet", "not Parquet", "corpus file cannot be read: corpus"),
        ("lines", "fruit|a\nno bar\n", "line does not match: corpus row 2"),
    ],
)
def test_says_which_row_of_which_file(format, text, message, tmp_path):
    (tmp_path / "corpus").write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message) as failure:
        read(tmp_path, "corpus", *how(format))
    assert "\n" not in str(failure.value)


def test_a_wrong_encoding_is_stated(tmp_path):
    (tmp_path / "corpus").write_bytes('{"text": "ü", "thing": "fruit"}'.encode("latin-1"))
    with pytest.raises(CorpusError, match=r"wrong encoding: corpus row 1: .*`encoding`"):
        read(tmp_path, "corpus")
    row = read(tmp_path, "corpus", "corpus.encoding=latin-1")
    assert row["text"].to_pylist() == ["ü"]


def test_a_pattern_that_is_none_is_stated(tmp_path):
    (tmp_path / "corpus").write_text("x\n")
    with pytest.raises(CorpusError, match="line_pattern is no regular expression"):
        read(tmp_path, "corpus", "corpus.format=lines", "corpus.line_pattern='('")


def test_lines_that_a_mark_makes_one_are_refused_and_cost_no_others(tmp_path):
    lines = ["text\tthing", 'a "b"\ttool', '"hello\tfruit', "the\ttool", 'world"\ttool', "c\tfruit"]
    (tmp_path / "corpus").write_text("\n".join(lines) + "\n")
    with pytest.raises(CorpusError, match=r"rows are merged: corpus row 2: .*Double the marks"):
        read(tmp_path, "corpus", "corpus.format=tsv")
    found = read(tmp_path, "corpus", "corpus.format=tsv", tolerant=True)
    assert found["text"].to_pylist() == ['a "b"', "c"]


def test_a_batch_may_lack_a_column_that_others_have(tmp_path, monkeypatch):
    monkeypatch.setattr("stages.corpus.formats.text_lines.ROWS_PER_BATCH", 2)
    rows = [{"text": "a", "thing": "fruit"}, {"text": "b"}, {"text": "c"}, {"text": "d"}]
    tiny.write_corpus(tmp_path / "corpus", rows)
    found = read(tmp_path, "corpus")
    assert found["label_thing"].to_pylist() == ["fruit", None, None, None]


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("jsonl", '{"text": "a", "thing": "fruit"}\n'),
        ("lines", "fruit|a\n"),
        ("csv", "text,thing\na,fruit\n"),
    ],
)
def test_a_mark_of_byte_order_is_no_text(format, text, tmp_path):
    (tmp_path / "corpus").write_text("\ufeff" + text, encoding="utf-8")
    row = read(tmp_path, "corpus", *how(format))
    assert (row["text"].to_pylist(), row["label_thing"].to_pylist()) == (["a"], ["fruit"])


@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_a_row_may_be_longer_than_what_is_read_at_once(format, tmp_path):
    between = {"csv": ",", "tsv": "\t"}[format]
    lines = [("text", "thing"), ("a", "fruit"), ("x" * 3_000_000, "tool"), ("c", "fruit")]
    (tmp_path / "corpus").write_text("".join(f"{between.join(line)}\n" for line in lines))
    found = read(tmp_path, "corpus", f"corpus.format={format}")
    assert pc.utf8_length(found["text"]).to_pylist() == [1, 3_000_000, 1]


@pytest.mark.parametrize("other", ["corpus-2.jsonl", "./corpus-*.jsonl"])
def test_a_file_that_is_named_twice_is_refused(other, tmp_path):
    for number in (1, 2):
        tiny.write_corpus(tmp_path / f"corpus-{number}.jsonl", tiny.examples(3))
    files = f'[{{path="corpus-*.jsonl", split="train"}}, {{path="{other}", split="test"}}]'
    with pytest.raises(
        CorpusError, match=r"file is named twice: corpus-[12].jsonl: .*Mend `files`"
    ):
        plan_corpus(tiny.run(f"corpus.files={files}"), base=tmp_path)


def test_an_own_id_and_an_own_split_are_kept(tmp_path):
    rows = [{"text": "a", "thing": "fruit", "key": "k1", "part": "test"}]
    tiny.write_corpus(tmp_path / "corpus", rows)
    own = ("corpus.example_id=key", 'corpus.split={column="part"}')
    found = read(tmp_path, "corpus", *own)
    assert found["example_id"].to_pylist() == ["k1"]
    assert found["split"].to_pylist() == ["test"]
    tiny.write_corpus(tmp_path / "corpus", [{**rows[0], "part": "dev"}])
    with pytest.raises(
        CorpusError, match="unknown split: corpus row 1 column 'part': found 'dev'"
    ) as failure:
        read(tmp_path, "corpus", *own)
    assert "Mend the row, or state another column as corpus.split." in str(failure.value)


POISONED = {
    "jsonl": (
        b'{"text": "a", "thing": "fruit"}\n{"text": "b"\n[1]\n{"text": 0.5, "thing": "tool"}\n'
        b'{"text": null, "thing": "tool"}\n{"text": "c", "thing": "frit"}\n'
    )
    + b'{"text": "\xff", "thing": "tool"}\n{"text": "d", "thing": "tool"}\n',
    "csv": b"text,thing\na,fruit\nb\nx,y,z\n\xff,tool\nc,frit\nd,tool\n",
    "lines": b"fruit|a\nno bar\ntool|\xff\nfrit|c\ntool|d\n",
}


@pytest.mark.parametrize("format", POISONED)
def test_what_cannot_be_used_is_kept_apart_with_its_reason_and_the_others_keep_their_row(
    format, tmp_path
):
    data = POISONED[format]
    (tmp_path / "corpus").write_bytes(data)
    run = tiny.run('corpus.files=[{path="corpus"}]', *how(format))
    intake = Intake("corpus", tolerant=True)
    unit = plan_corpus(run, base=tmp_path).units[0]
    rows = pa.concat_tables(read_unit(unit, run.corpus, run.head, intake))
    last = data.count(b"\n") - (format == "csv")
    assert rows["text"].to_pylist() == ["a", "d"]
    assert rows["source_row"].to_pylist() == [1, last]
    assert sorted(row.source_row for row in intake.refused) == list(range(2, last))
    assert intake.seen == last
    reasons = {row.error.split(":")[0] for row in intake.refused}
    assert {"wrong encoding", "unknown class"} < reasons
    assert all(row.row and row.source_file == "corpus" for row in intake.refused)


def test_text_that_is_no_utf8_in_parquet_is_refused(tmp_path):
    spoiled = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff")]
    )
    table = pa.table({"text": spoiled, "thing": ["fruit", "tool"]})
    pq.write_table(table, tmp_path / "corpus")
    run = tiny.run('corpus.files=[{path="corpus"}]', "corpus.format=parquet")
    intake = Intake("corpus", tolerant=True)
    unit = plan_corpus(run, base=tmp_path).units[0]
    rows = pa.concat_tables(read_unit(unit, run.corpus, run.head, intake))
    assert rows["text"].to_pylist() == ["a"]
    assert [row.column for row in intake.refused] == ["text"]
    assert "\ufffd" in intake.refused[0].row


@pytest.mark.parametrize("data", [b"no Parquet", b"PAR1" + b"\0" * 40 + b"PAR1", b""])
def test_a_file_that_is_no_parquet_is_one_line(data, tmp_path):
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(CorpusError) as failure:
        units_of(str(tmp_path / "a.parquet"), "a.parquet", format="parquet")
    assert "corpus file cannot be read: a.parquet as parquet: " in str(failure.value)
    assert str(failure.value).endswith("Mend the file, or `format`.")
    assert str(failure.value).isprintable()


def parquet_with_a_name_that_is_no_utf8(column=b"text"):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({column.decode(): ["a"]}), sink, store_schema=False)
    return sink.getvalue().to_pybytes().replace(column, b"te\xc3t")


def test_a_parquet_file_whose_column_has_no_utf8_name_is_one_line(tmp_path):
    (tmp_path / "a.parquet").write_bytes(parquet_with_a_name_that_is_no_utf8())
    with pytest.raises(CorpusError, match="corpus file cannot be read: a.parquet as parquet: "):
        units_of(str(tmp_path / "a.parquet"), "a.parquet", format="parquet")


@pytest.mark.parametrize(("format", "mark"), [("csv", b","), ("tsv", b"\t")])
def test_a_row_that_neither_fits_nor_is_utf8_is_refused_alone(format, mark, tmp_path, capfd):
    rows = [
        b"\xef\xbb\xbftext,thing",
        b"ok,animal",
        b"b\xff,animal,more",
        "ü,fruit".encode(),
        b"\xfe,tool",
    ]
    (tmp_path / "c").write_bytes(b"\n".join(rows).replace(b",", mark))
    run = tiny.run('corpus.files=[{path="c"}]', f"corpus.format={format}")
    [unit] = plan_corpus(run, base=tmp_path).units
    intake = Intake("c", tolerant=True)
    used = pa.concat_tables(read_unit(unit, run.corpus, run.head, intake))
    assert used["text"].to_pylist() == ["ok", "ü"]
    assert used["source_row"].to_pylist() == [1, 3]
    assert [(one.source_row, one.error.split(":")[0]) for one in intake.refused] == [
        (2, "row does not fit"),
        (4, "wrong encoding"),
    ]
    assert intake.seen == 4
    assert "Traceback" not in capfd.readouterr().err
