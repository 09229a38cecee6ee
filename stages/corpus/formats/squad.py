"""SQuAD's questions about paragraphs, whose answers are parts of them.

Reference:
  Rajpurkar, Zhang, Lopyrev, Liang. SQuAD: 100,000+ Questions for Machine Comprehension of Text.
  2016.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from os.path import commonprefix
from typing import Any

import numpy as np
import pyarrow as pa

from stages.corpus.formats.jsonl import half_a_character
from stages.corpus.formats.squad_files import asked_in
from stages.corpus.formats.units import ROWS_PER_BATCH, RawRows, TextFormat, Unit
from stages.inputs.cutting import cut_words
from stages.rows.intake import Intake, Unfit
from stages.rows.pointers import SEPARATOR, write_span, written_together

DECLARES = {
    "place": 7,
    "words": {"points": True, "column": "answers", "said": 'of kind "pointer", column = "answers"'},
}
COLUMNS = {"words": pa.list_(pa.string()), "answers": pa.list_(pa.string()), "id": pa.string()}
Row = dict[str, Any]


def read(unit: Unit, text: TextFormat, intake: Intake) -> Iterator[RawRows]:
    """Yield batches of questions; a question's number is its place in the file, from 1.

    `words` are those of the question, `[SEP]` and those of the context; `answers` its answers as
    they are kept, none where it says that there is none, null where it says nothing; `id` its own.

    Raises:
      CorpusError: the file is of another form, or a question cannot be used and nothing may be
        quarantined.
    """
    rows: list[Row] = []
    numbers: list[int] = []
    for number, (context, question) in enumerate(asked_in(unit, text), start=1):
        intake.seen += 1
        try:
            rows.append(_row(context, question))
            numbers.append(number)
        except Unfit as unfit:
            content = json.dumps(
                {"context": context, "question": question}, ensure_ascii=False, default=repr
            )
            said = f"{unfit.said} Mend the question."
            intake.refuse(unfit.what, number, said, content, column=unfit.column)
        if len(rows) == ROWS_PER_BATCH:
            yield _batch(rows, numbers)
            rows, numbers = [], []
    if rows:
        yield _batch(rows, numbers)


def _row(context: Any, question: Any) -> Row:
    stated = _stated(question)
    if half := half_a_character([context, stated]):
        raise Unfit("half a character", f"found {half}.", "question")
    asked, name = stated.get("question"), stated.get("id")
    if not isinstance(asked, str) or not asked.strip():
        raise Unfit("no question", f"found {asked!r}.", "question")
    if not isinstance(context, str) or not context.strip():
        raise Unfit("no context", f"found {context!r}.", "context")
    before = [word for _, word in cut_words(asked)]
    places = cut_words(context)
    if not written_together([*before, *(word for _, word in places)]):
        before[-1] += " "  # so that together the others are their text
    words = [*before, SEPARATOR, *(word for _, word in places)]
    answers = _answers(stated, context, places, shift=len(before) + 1)
    return {"words": words, "answers": answers, "id": None if name is None else str(name)}


def _answers(
    question: Row, context: str, places: list[tuple[int, str]], *, shift: int
) -> list[str] | None:
    """Return the answers by word, each once; [] where there is none, None where none is stated."""
    stated = question.get("answers")
    if question.get("is_impossible") is True:
        return []
    if stated is None:
        return None
    stated = _one_by_one(stated)
    if not isinstance(stated, list):
        raise Unfit("answers are no list", f"found {type(stated).__name__}.", "answers")
    starts = np.array([start for start, _ in places])
    found = []
    for answer in stated:
        text, start = _text_and_start(answer, context)
        last = start + len(text) - 1
        first_word, last_word = np.searchsorted(starts, [start, last], side="right") - 1
        found.append(write_span(int(first_word) + shift, int(last_word) + shift, text))
    return list(dict.fromkeys(found))


def _one_by_one(answers: Any) -> Any:
    """Return answers that are written as lists of texts and of places as one after another."""
    if not isinstance(answers, dict) or not {"text", "answer_start"} <= answers.keys():
        return answers
    texts, starts = answers["text"], answers["answer_start"]
    if not (isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts)):
        said = f"found {str(answers)[:80]!r}, expected as many places as texts."
        raise Unfit("no answer", said, "answers")
    return [
        {"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=True)
    ]


def _text_and_start(answer: Any, context: str) -> tuple[str, int]:
    text = answer.get("text") if isinstance(answer, dict) else None
    start = answer.get("answer_start") if isinstance(answer, dict) else None
    if not isinstance(text, str) or not text.strip() or type(start) is not int or start < 0:
        said = f"found {str(answer)[:80]!r}, expected text and place."
        raise Unfit("no answer", said, "answers")
    there = context[start : start + len(text)]
    if there != text:
        same = len(commonprefix([there, text]))
        part = slice(same, same + 60)
        said = f"expected {text[part]!r} at character {start + same}, found {there[part]!r}."
        raise Unfit("answer is not in its context", said, "answers")
    spared = len(text) - len(text.lstrip())
    return text.strip(), start + spared


def _stated(question: Any) -> Row:
    if isinstance(question, Unfit):
        raise question
    if not isinstance(question, dict):
        raise Unfit("no question", f"found {str(question)[:80]!r}.", "question")
    return question


def _batch(rows: list[Row], numbers: list[int]) -> RawRows:
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in COLUMNS.items()}
    return RawRows(pa.table(columns), np.array(numbers, np.int64))
