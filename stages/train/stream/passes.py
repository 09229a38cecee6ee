"""What an epoch is: how often a training asks each row, and each view of it."""

from __future__ import annotations

from stages.train.stream.stream import SoftLabelStream


def passes_text(stream: SoftLabelStream, *, epochs: int, steps_per_epoch: int) -> str:
    """Return how many rows and views there are, and how often so many epochs ask each of them.

    An epoch is as long as the rows with a hard label are many, so with views and with unlabelled
    rows it is less than a pass over all.
    """
    rows, views = stream.originals, stream.views
    passes, of_views = stream.times_asked(steps_per_epoch * epochs)
    found = f"{rows} rows"
    if 0 < stream.labelled < rows:
        found += f" ({stream.labelled} with a hard label)"
    if views:
        found += f" and {views} views of them"
    many = f"{epochs} epochs are" if epochs > 1 else "1 epoch is"
    said = (
        f"{found}; {steps_per_epoch} steps of {stream.batch_size} an epoch, so {many} "
        f"{_times(passes)} passes"
    )
    if not views:
        return said
    return f"{said}: each row {_times(passes)} times, each view {_times(of_views)} times"


def _times(count: float) -> str:
    return f"{count:.1f}" if count >= 1 else f"{count:.2g}"
