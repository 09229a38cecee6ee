"""Which epoch of a training is kept, and whether more of them might have been better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def kept_epoch(
    epochs: Sequence[Mapping[str, float]], figure: str, *, smallest: bool = False
) -> int:
    """Return the number, from 0, of the epoch whose figure is best; the first of equals.

    As long as a figure that is to be large is 0, nothing is learned yet, and the last is kept.

    Args:
      epochs: figures by name, an entry an epoch; one or more.
      figure: of validation.
      smallest: whether a smaller figure is better.

    >>> kept_epoch([{"a": 0.5}, {"a": 0.7}, {"a": 0.7}], "a"), kept_epoch([{"a": 0.0}] * 3, "a")
    (1, 2)
    """
    values = [epoch[figure] for epoch in epochs]
    best = min(values) if smallest else max(values)
    if best == 0.0 and not smallest:
        return len(values) - 1 - values[::-1].index(best)
    return values.index(best)


def short_budget(
    epochs: Sequence[Mapping[str, float]],
    figure: str,
    *,
    budgets: Mapping[str, int],
    smallest: bool = False,
) -> str | None:
    """Return what to say where the best epoch is the last of a part; None where it is not.

    Args:
      epochs: of all parts, as of `kept_epoch`.
      figure: that decides which is best.
      budgets: epochs of each part, by the key of the run file that states them.
      smallest: whether a smaller figure is better.

    >>> short_budget([{"a": 0.5}, {"a": 0.7}], "a", budgets={"train.epochs": 2})
    'the last of 2 epochs was the best (a 0.7000): more may do better; raise train.epochs'
    """
    kept, end = kept_epoch(epochs, figure, smallest=smallest), 0
    for key, count in budgets.items():
        end += count
        if kept == end - 1:
            last = f"the last of {count} epochs was" if count > 1 else "its one epoch is"
            value = f"({figure} {epochs[kept][figure]:.4f})"
            return f"{last} the best {value}: more may do better; raise {key}"
    return None
