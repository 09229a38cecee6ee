"""Inputs that one task learns from and another holds out: counted, left out or refused.

A view that is an input of a task's validation or test is no view for any task. A row of the corpus
stays, is left out, or is an error, as the stricter of the two tasks' `corpus.crossing` says; as
within a task, the input stays where it is held out most. Memory: the digests of what is held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from schemas.across import Across
from schemas.crossing import Crossing
from schemas.errors import CorpusError
from schemas.layout import SPLIT_COLUMN, SPLITS
from schemas.provenance import digest_bytes
from stages.rows.columns import digest_matrix, family
from stages.rows.identity import order_of_digests
from stages.table.opening import SoftLabelTable
from stages.table.shard import read_shard

_STRICTER: tuple[Crossing, ...] = ("keep", "drop", "error")
_NAMED_ROWS = 3
_OF_A_ROW = ("input_digest", "parent_digest", "view", "source_file", "source_row")
_Held = dict[str, pa.Array]  # by split, the digests of inputs that are held out more


class HeldOut:
    """What the tasks of a run hold out, as each of the others sees it.

    Args:
      tables: by task, each of one head.
      crossing: by task what it states, `keep` where it is not there.

    Attributes:
      found: by task, what its table has of it.
    """

    def __init__(
        self, tables: Mapping[str, SoftLabelTable], crossing: Mapping[str, Crossing]
    ) -> None:
        self._names = list(tables)
        self._how = {name: crossing.get(name, "keep") for name in tables}
        held = {name: _held(table) for name, table in tables.items()}
        self._views = _union([part["train"] for part in held.values()])
        self._against = {
            name: {how: self._others(name, how, held) for how in _STRICTER} for name in tables
        }
        self.found = {name: self._counted(name, table) for name, table in tables.items()}

    def less(self, name: str, rows: pa.Table) -> pa.Table:
        """Return a task's rows, with `split`, but those that are left out."""
        return rows.filter(pc.invert(self._left_out(name, rows)))

    @property
    def crosses(self) -> bool:
        """Whether there is anything to say."""
        return any(one != Across() for one in self.found.values())

    def _others(self, name: str, how: Crossing, held: Mapping[str, _Held]) -> _Held:
        """Return what other tasks hold out, of those with which a task agrees on a policy."""
        pairs = [held[one] for one in self._names if one != name and self._pair(name, one) == how]
        return {split: _union([part[split] for part in pairs]) for split in SPLITS[:2]}

    def _pair(self, one: str, other: str) -> Crossing:
        return max(self._how[one], self._how[other], key=_STRICTER.index)

    def _counted(self, name: str, table: SoftLabelTable) -> Across:
        """Return what a table has of it; the shards are read once.

        Raises:
          CorpusError: it has some, where that is an error.
        """
        inputs, gone = [_no_digests()], [_no_digests()]
        rows_gone: dict[str, int] = {}
        views_gone = 0
        for shard in table.shards:
            if shard.split not in SPLITS[:2]:
                continue
            rows = read_shard(shard, list(_OF_A_ROW))
            rows = rows.append_column(SPLIT_COLUMN, pa.repeat(shard.split, rows.num_rows))
            plain = pc.equal(rows["view"], 0)
            self._refuse(name, rows.filter(pc.and_(plain, self._crossing(name, rows, "error"))))
            met = [self._crossing(name, rows, how) for how in _STRICTER]
            inputs.append(rows["input_digest"].filter(pc.and_(plain, _any(met))).combine_chunks())
            left_out = rows.filter(self._left_out(name, rows))
            gone.append(left_out["input_digest"].combine_chunks())
            views = pc.sum(pc.greater(left_out["view"], 0)).as_py() or 0
            views_gone += views
            if left_out.num_rows > views:
                before = rows_gone.get(shard.split, 0)
                rows_gone[shard.split] = before + left_out.num_rows - views
        return Across(
            inputs=len(_union(inputs)),
            left_out=rows_gone,
            views_left_out=views_gone,
            fingerprint=_fingerprint(_union(gone)),
        )

    def _refuse(self, name: str, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        named = [
            f"{row['source_file']} row {row['source_row']}"
            for row in rows.slice(0, _NAMED_ROWS).to_pylist()
        ]
        raise CorpusError(
            f"inputs that task {name!r} learns from are held out in another task: "
            f"{', '.join(named)}. The tasks' tables are kept, and were not joined. Leave them in "
            'one split, or state corpus.crossing = "drop" or "keep" in each.'
        )

    def _left_out(self, name: str, rows: pa.Table) -> pa.Array:
        is_view = pc.and_(pc.greater(rows["view"], 0), pc.equal(rows[SPLIT_COLUMN], "train"))
        held_out = pc.is_in(rows["input_digest"], value_set=self._views)
        return _any([self._crossing(name, rows, "drop"), pc.and_(is_view, held_out)])

    def _crossing(self, name: str, rows: pa.Table, how: Crossing) -> pa.Array:
        """Return bool [rows]: which are of inputs that others hold out more, or views of them."""
        digests, against = family(rows), self._against[name][how]
        return _any(
            [
                pc.and_(pc.equal(rows[SPLIT_COLUMN], split), pc.is_in(digests, value_set=held))
                for split, held in against.items()
            ]
        )


def _held(table: SoftLabelTable) -> _Held:
    """Return by split the digests of what a table holds out more."""
    each = {
        split: [
            read_shard(shard, ["input_digest"])["input_digest"].combine_chunks()
            for shard in table.shards_of(split)
        ]
        for split in SPLITS[1:]
    }
    test = _union(each["test"])
    return {"train": _union([test, *each["validation"]]), "validation": test}


def _any(masks: Sequence[pa.ChunkedArray | pa.Array]) -> pa.ChunkedArray | pa.Array:
    found = masks[0]
    for mask in masks[1:]:
        found = pc.or_(found, mask)
    return found


def _union(parts: Sequence[pa.Array]) -> pa.Array:
    return pc.unique(pa.concat_arrays([_no_digests(), *parts]))


def _no_digests() -> pa.Array:
    return pa.array([], pa.binary())


def _fingerprint(digests: pa.Array) -> str:
    if not len(digests):
        return ""
    return digest_bytes(digest_matrix(digests.take(pa.array(order_of_digests(digests)))).tobytes())
