"""Augmented views: for each train input, other inputs made from it, for the teacher to answer.

A view is made from its parent, from the other train examples of its shard and from the seed, so
the same corpus gives the same views on any runner. Partners are found by a random point in the
shard's range of digests and the example that follows it: a corpus that grows by a little changes
few views. View rows carry no hard label, and stay with their parent's split and shard. What is an
input of validation or test is no view: nobody is trained on it.
"""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.heads import Head
from schemas.label_section import Augmenter, Views
from schemas.layout import SPLIT_COLUMN, label_type
from stages.corpus.unlabelled import LEFT_OUT_COLUMN, mark_left_out
from stages.inputs.find import input_digests, varied_input
from stages.rows.columns import digest_matrix, family
from stages.rows.identity import (
    digest_column,
    digest_words,
    order_of_digests,
)
from stages.table.writing.shards import order_rows
from stages.views.augmenters import Augment, find_augmenters
from stages.views.augmenters.around import Around, Draw, Words

_SPACE = 2**64


@dataclass(frozen=True)
class Pool:
    """The distinct train inputs of one bucket, by digest.

    Attributes:
      words: of each.
      tops: leading 64 bits of each one's digest, ascending.
      start, end: range of the bucket's digests.
    """

    words: list[Words]
    tops: list[int]
    start: int
    end: int

    def other_than(self, number: int, draw: Draw) -> Words:
        """Return the words of an example, another one than `number` where there is one."""
        point = self.start + int(draw() * (self.end - self.start))
        found = bisect_left(self.tops, point) % len(self.tops)
        return self.words[(found + 1) % len(self.tops) if found == number else found]


def add_views(
    rows: pa.Table,
    views: Views | None,
    *,
    feature: str,
    head: Head,
    bucket: int,
    num_shards: int,
    held_out: bytes = b"",
) -> pa.Table:
    """Return a bucket's ordered rows with their views, each after its parent.

    Args:
      rows: ordered, of view 0.
      views: how they are made; None for none.
      feature: the text column.
      head: for its label column, which is null in a view.
      bucket: number of the range of digests that the rows are from.
      num_shards: ranges in all.
      held_out: digests of the inputs of validation and test, of every range, one after the other.
    """
    if views is None or rows.num_rows == 0:
        return rows
    parents = _parents(rows)
    pool = _pool(parents, feature, bucket=bucket, num_shards=num_shards)
    made = [
        _view_rows(parents, texts, number, feature=feature, head=head)
        for number, texts in enumerate(_texts(pool, parents, views), start=1)
    ]
    new = pa.concat_tables([part.select(rows.column_names) for part in made])
    new = new.filter(pc.invert(pc.is_in(new["input_digest"], value_set=digest_column(held_out))))
    whole = pa.concat_tables([rows, new])
    return whole.take(pa.array(order_of_digests(family(whole))))


def try_views(sample: pa.Table, views: Views | None, *, feature: str, head: Head) -> None:
    """Make the views of one train row of a sample, if any is, to find an augmenter that raises.

    Args:
      sample: rows in normal form.
      views: how they are made; None for none.
      feature: the text column.
      head: for its label column.

    Raises:
      UserCodeError: an augmenter of the user's own raises, or answers with no words.
    """
    train = sample.filter(pc.equal(sample[SPLIT_COLUMN], "train")).slice(0, 1)
    if views is not None and train.num_rows:
        row = mark_left_out(order_rows(train, head))
        add_views(row, views, feature=feature, head=head, bucket=0, num_shards=1)


def views_left_out(rows: pa.Table, views: Views | None) -> int:
    """Return how many views a bucket's rows lack, for they are an input of validation or test.

    Args:
      rows: as `add_views` returned them.
      views: how they were made; None for none.
    """
    if views is None:
        return 0
    is_view = np.asarray(rows["view"].to_numpy() > 0)
    parents = _parents(rows.filter(pa.array(~is_view)))
    return int(views.count * parents.num_rows - is_view.sum())


def held_out_digests(rows: pa.Table) -> bytes:
    """Return the digests of inputs of validation and test, one after the other."""
    held_out = rows.filter(pc.not_equal(rows[SPLIT_COLUMN], "train"))
    return digest_matrix(pc.unique(held_out["input_digest"])).tobytes()


def distinct_digests(parts: Iterable[bytes]) -> bytes:
    """Return digests, one after the other, each once and in order.

    >>> distinct_digests([b"b" * 16, b"", b"a" * 16 + b"b" * 16]) == b"a" * 16 + b"b" * 16
    True
    """
    found = pc.unique(digest_column(b"".join(parts)))
    return digest_matrix(found.take(pa.array(order_of_digests(found)))).tobytes()


def _parents(rows: pa.Table) -> pa.Table:
    """Return the first row of each distinct train input, in order; none that is left out."""
    wanted = pc.and_not(pc.equal(rows[SPLIT_COLUMN], "train"), rows[LEFT_OUT_COLUMN])
    train = rows.filter(wanted).combine_chunks()
    first = pc.index_in(
        pc.unique(train["input_digest"]), value_set=train["input_digest"].combine_chunks()
    )
    return train.take(first)


def _pool(parents: pa.Table, feature: str, *, bucket: int, num_shards: int) -> Pool:
    return Pool(
        words=varied_input(parents[feature].type).words(parents[feature]),
        tops=digest_words(parents["input_digest"])[:, 0].tolist(),
        start=bucket * _SPACE // num_shards,
        end=(bucket + 1) * _SPACE // num_shards,
    )


def _texts(pool: Pool, parents: pa.Table, views: Views) -> Iterator[list[Words]]:
    """Yield, for each view number from 1, the words of every parent's view."""
    digests = digest_matrix(parents["input_digest"])
    for number, augmenter in enumerate(views.each(), start=1):
        steps = find_augmenters(augmenter.kind)
        yield [
            _view(pool, place, augmenter, steps, _draw(views.seed, digest, number))
            for place, digest in enumerate(digests)
        ]


def _view(
    pool: Pool, place: int, augmenter: Augmenter, steps: tuple[Augment, ...], draw: Draw
) -> Words:
    def other() -> Words:
        return pool.other_than(place, draw) or [""]

    around = Around(rate=augmenter.rate, token=augmenter.token, other=other)
    words = pool.words[place]
    for step in steps:
        words = step(words, draw, around) if words else words
    return words


def _draw(seed: int, digest: np.ndarray, number: int) -> Draw:
    """Return a source of randomness of its own for one view; stable over Python's releases."""
    key = b"%d:%d:" % (seed, number) + digest.tobytes()
    return random.Random(hashlib.blake2b(key, digest_size=8).digest()).random


def _view_rows(
    parents: pa.Table, texts: list[Words], number: int, *, feature: str, head: Head
) -> pa.Table:
    text = varied_input(parents[feature].type).of_words(texts)
    changed = {
        feature: text,
        "input_digest": input_digests([text]),
        "parent_digest": parents["input_digest"],
        "view": pa.array(np.full(len(texts), number, np.int16)),
        head.label_column: pa.nulls(len(texts), label_type(head)),
        "example_id": pc.binary_join_element_wise(parents["example_id"], str(number), "~"),
    }
    kept = {name: parents[name] for name in parents.column_names if name not in changed}
    return pa.table({**kept, **changed})
