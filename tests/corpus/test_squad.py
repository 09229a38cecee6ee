"""Questions in SQuAD's form: what is read, and what is refused with its reason."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusError, RunFileError, TeacherError
from stages.corpus.files import plan_corpus
from stages.corpus.formats.squad import read as read_squad
from stages.corpus.formats.units import TextFormat, Unit
from stages.rows.intake import Intake
from stages.rows.pointers import answer_text, read_span
from stages.table.verify import verify
from tests import tiny_questions, tiny_words

CONTEXT = "In 1066, William (of Normandy) won."


def read(folder, *paragraphs, tolerant=False):
    """Return the rows that are read, and what is refused."""
    tiny_questions.write(folder, list(paragraphs))
    unit = Unit(str(folder / "questions.json"), "questions.json")
    intake = Intake("questions.json", tolerant=tolerant)
    rows = [row for raw in read_squad(unit, TextFormat(), intake) for row in raw.table.to_pylist()]
    return rows, [one.error for one in intake.refused]


def asked(*answers, context=CONTEXT, **more):
    stated = [{"text": text, "answer_start": start} for text, start in answers]
    return {"context": context, "qas": [{"id": "1", "question": "Who?", "answers": stated, **more}]}


def test_a_question_its_context_and_its_answers(tmp_path):
    [row], _ = read(tmp_path, asked(("William", 9), ("William (of Normandy)", 9), ("William", 9)))
    assert row["words"][:5] == ["Who", "?", "[SEP]", "In ", "1066"]
    assert "".join(row["words"][3:]) == CONTEXT
    assert row["answers"] == ["6:6 William", "6:10 William (of Normandy)"]
    assert row["id"] == "1"


def test_an_answer_within_a_word_points_to_the_word_and_keeps_its_text(tmp_path):
    [row], _ = read(tmp_path, asked(("066", 4)))
    assert row["answers"] == ["4:4 066"]


def test_none_is_no_answer_and_not_stated_is_none_at_all(tmp_path):
    impossible = asked(is_impossible=True)
    unstated = asked()
    del unstated["qas"][0]["answers"]
    rows, _ = read(tmp_path, impossible, asked(), unstated)
    assert [row["answers"] for row in rows] == [[], [], None]


@pytest.mark.parametrize(
    ("question", "context", "answer"),
    [
        ("日本の首都はどこですか？", "日本の首都は東京です。", "東京"),
        ("कौन जीता?", "हिन्दी भाषा जीती।", "हिन्दी भाषा"),
        ("Who?", "東京です。", "東京"),
        ("誰?", "The cafe\u0301 is old.", "cafe\u0301"),
    ],
)
def test_the_answer_is_its_text_in_every_script(question, context, answer, tmp_path):
    stated = {"id": "1", "question": question}
    stated["answers"] = [{"text": answer, "answer_start": context.index(answer)}]
    [row], _ = read(tmp_path, {"context": context, "qas": [stated]})
    first, last, text = read_span(row["answers"][0])
    assert text == answer == answer_text(row["words"], first, last)
    place = row["words"].index("[SEP]")
    assert "".join(row["words"][place + 1 :]) == context


@pytest.mark.parametrize(("stated", "found"), [(0, "0"), (12, "12"), ("x", "x"), (None, None)])
def test_an_id_may_be_a_number(stated, found, tmp_path):
    [row], _ = read(tmp_path, asked(("won", 31), id=stated))
    assert row["id"] == found


@pytest.mark.parametrize(
    ("paragraph", "said"),
    [
        (asked(("Harold", 9)), "answer is not in its context: questions.json row 1 column"),
        (asked(("William", -1)), "no answer: "),
        (asked(("  ", 2)), "no answer: "),
        (asked(("William", "9")), "no answer: "),
        (asked(context="  "), "no context: questions.json row 1 column 'context': found '  '."),
        (asked(question=""), "no question: "),
        (asked(question=None), "no question: "),
        ({"context": CONTEXT, "qas": ["Who?"]}, "no question: "),
        (asked(answers="William"), "answers are no list: "),
        (asked(context="cut \ud83d"), "half a character: questions.json row 1 column"),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_rest_is_read(paragraph, said, tmp_path):
    rows, refused = read(tmp_path, paragraph, asked(("won", 31)), tolerant=True)
    assert [row["answers"] for row in rows] == [["11:11 won"]]
    assert len(refused) == 1
    assert refused[0].startswith(said)
    with pytest.raises(CorpusError, match=said.split(":")[0]):
        read(tmp_path, paragraph)


def test_what_is_said_of_an_answer_begins_where_it_differs(tmp_path):
    _, [said] = read(tmp_path, asked(("William (of Norway)", 9)), tolerant=True)
    assert said.endswith("expected 'way)' at character 24, found 'mand'. Mend the question.")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "as squad: Expecting"), ("[]", "has another form"), ('{"data": [{}]}', "'paragraphs'")],
)
def test_a_file_of_another_form_is_said(text, said, tmp_path):
    (tmp_path / "q.json").write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=said):
        list(read_squad(Unit(str(tmp_path / "q.json"), "q.json"), TextFormat(), Intake("q.json")))


def test_a_separator_in_a_context_is_not_cut_as_one(tmp_path):
    [row], _ = read(tmp_path, asked(context="see [SEP] here"))
    assert row["words"][3:] == ["see ", "[", "SEP", "] ", "here"]


def test_a_table_of_questions(tmp_path):
    """Broken ones are quarantined with their reasons, the others labelled and whole."""
    broken = asked(("Harold", 9))
    tiny_questions.write(tmp_path, [broken, *tiny_questions.questions()])
    table = tiny_questions.label(tmp_path, "label.max_quarantined=1")
    found = verify(table)
    assert found.rows == 90
    assert table.card.counts.unseen_positions == 0  # those of the question are not asked
    rows = table.read("train", ["words", "label_answer", "teacher_answer"]).to_pylist()
    for row in rows:
        place = row["words"].index("[SEP]")
        assert row["teacher_answer"][:place] == [None] * place
        assert all(len(one) == 2 for one in row["teacher_answer"][place:])
    [file] = (tmp_path / "labels" / "_quarantine").rglob("*.parquet")
    assert "answer is not in its context" in pq.read_table(file)["error"][0].as_py()
    quality = table.card.quality
    assert {one.exact_match for one in quality.splits.values()} == {1.0}


def test_rows_of_lists_state_answers_by_word(tmp_path):
    lines = [
        {"words": ["who", "[SEP]", "a", "cat", number], "answers": answers, "number": number}
        for number, answers in (
            ("1", ["3:3"]),
            ("2", ["3:4 cat 2"]),
            ("3", []),
            ("4", None),
            ("5", ["1:2"]),  # the separator is no answer
            ("6", ["4:9"]),
            ("7", ["cat"]),
        )
    ]
    lines.append({"words": ["no", "context"], "answers": [], "number": "8"})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "rows.jsonl").write_text(text, encoding="utf-8")
    table = tiny_questions.label(
        tmp_path,
        "corpus.format=jsonl",
        'corpus.files=[{path="rows.jsonl"}]',
        "corpus.split={validation=0.0, test=0.0}",
        "corpus.example_id=number",
        "label.max_quarantined=4",
        'teacher={kind="module", callable="tests.corpus.test_squad:points_anywhere"}',
    )
    found = table.read("train", ["words", "label_answer"]).to_pylist()
    assert {row["words"][-1]: row["label_answer"] for row in found} == {
        "1": ["3:3 cat"],
        "2": ["3:4 cat 2"],
        "3": [],
        "4": None,
    }
    [file] = (tmp_path / "labels" / "_quarantine").rglob("*.parquet")
    said = " ".join(pq.read_table(file)["error"].to_pylist())
    for part in ("found words 1 to 2, expected some of 2 to 4", "words 4 to 9", "found 'cat'"):
        assert part in said
    assert "no separator" in said


def test_unlabelled_rows_need_a_separator_too(tmp_path):
    tiny_questions.write(tmp_path)
    lines = [{"words": words} for words in (["who", "[SEP]", "a", "cat"], ["no", "context"])]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "more.jsonl").write_text(text, encoding="utf-8")
    more = 'corpus.unlabelled=[{files=[{path="more.jsonl"}], format="jsonl"}]'
    with pytest.raises(CorpusError, match="no separator: more.jsonl row 2: expected the question"):
        tiny_questions.label(tmp_path, more)
    assert tiny_questions.label(tmp_path, more, "label.max_quarantined=1").card.counts.rows == 91


def points_anywhere():
    """Return a teacher without an opinion."""
    return lambda lists: [[[0.0, 1.0]] * len(words) for words in lists]


def probabilities():
    """Return a teacher whose pointers are spread over the positions from the separator on."""

    def one(words):
        places = np.arange(len(words)) - words.index("[SEP]")
        share = np.where(places < 0, np.nan, 1 / (places.max() + 1)).astype(np.float32)
        return np.stack([share, share], axis=1)

    return lambda lists: [one(list(words)) for words in lists]


def test_pointers_that_are_probabilities_are_refused(tmp_path):
    tiny_questions.write(tmp_path)
    how = 'teacher={kind="module", callable="tests.corpus.test_squad:probabilities"}'
    with pytest.raises(TeacherError, match=r"sum 1 over each row's of \d+ answers\. Let it answer"):
        tiny_questions.label(tmp_path, how)


def test_another_way_of_cutting_is_another_corpus(tmp_path, monkeypatch):
    tiny_questions.write(tmp_path)
    before = plan_corpus(tiny_questions.run(), base=tmp_path).digest
    assert plan_corpus(tiny_questions.run(), base=tmp_path).digest == before
    tiny_words.write_corpus(tmp_path, tiny_words.examples())
    words = plan_corpus(tiny_words.run(), base=tmp_path).digest
    monkeypatch.setattr("stages.corpus.files.CUTTING_VERSION", 99)
    assert plan_corpus(tiny_questions.run(), base=tmp_path).digest != before
    assert plan_corpus(tiny_words.run(), base=tmp_path).digest == words


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (['heads=[{name="a", per="token", classes=["x", "y"]}]'], 'format "squad" is for features'),
        (['teacher={kind="onnx", path="x"}'], "pointer head needs a teacher of kind keras"),
        (
            ['teacher={kind="transformers", path="x", word_logits="mean"}'],
            "pointers begin at a first piece and end at a last; no mean of them",
        ),
        (['label.views={seed=1, augmenters=[{kind="swap"}]}'], "would move the words"),
        (["label.top_k=1"], "`top_k` and"),
        (["train.loss=dist"], "train.loss of a pointer head is one of kl, reverse_kl"),
        (
            ['heads=[{name="a", kind="pointer", per="example"}]'],
            "a pointer head is per token; leave its classes and `per` out",
        ),
        (
            ["target={metric='accuracy', at_least=0.5}"],
            "target.metric of a pointer head is one of overlap_f1",
        ),
    ],
)
def test_what_does_not_go_with_pointers_is_refused(overrides, said):
    with pytest.raises(RunFileError) as error:
        tiny_questions.run(*overrides)
    assert said in str(error.value)
