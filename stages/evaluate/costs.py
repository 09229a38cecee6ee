"""What models cost, for people: size and speed, how far calls are spread, and what is comparable.

Students and baselines of a report are measured in turns. The teacher is not loaded for it: its
speed is of when the table was made, so no ratio to it is one of equal conditions.
"""

from __future__ import annotations

from schemas.report import ModelResult, Report, Speed

COST_HEADS = ("parameters", "MB", "ms/1", "ex/s/64")
_OTHER_TIME = "measured when the table was made, at another time than the others"


def costs(model: ModelResult, *, spread: bool = False, none: str = "-") -> list[str]:
    """Return parameters, MB, milliseconds a text and texts a second, as cells.

    Args:
      model: whose.
      spread: whether quartiles are beside the medians, where they were measured.
      none: what stands for what is not known.
    """
    size, speed = [f"{model.parameters:,}", f"{model.file_bytes / 1e6:.1f}"], model.speed
    if speed is None:
        return [*size, none, none]
    found = [f"{speed.latency_ms_batch_1:.2f}", f"{speed.examples_per_second_batch_64:,.0f}"]
    if not spread:
        return [*size, *found]
    beside = _quartiles(model)
    return [
        *size,
        *(f"{cell} ({of})" if of else cell for cell, of in zip(found, beside, strict=True)),
    ]


def spread_lines(report: Report) -> list[str]:
    """Return a line for each student whose calls' quartiles are known, then one for the teacher.

    Of several seeds the first, as the table has it.
    """
    found: dict[str, dict[str, str]] = {}
    for model in report.models:
        latency, rate = _quartiles(model)
        if latency:
            said = f"{latency} ms/1, {rate} ex/s/64"
            found.setdefault(model.name, {}).setdefault(model.role, said)
    lines = [
        f"{name}: all in turns, quartiles: "
        + "; ".join(f"{role} {said}" for role, said in roles.items())
        for name, roles in found.items()
    ]
    if lines and report.teacher.speed is not None:
        lines.append(f"teacher: its speed was {when_asked(report.teacher.speed)}")
    return lines


def when_asked(teacher: Speed) -> str:
    """Return when the teacher's speed was measured, and of what where that is not batches of 64."""
    return f"{_OTHER_TIME}{', and in the batches of its labelling' if teacher.as_labelled else ''}"


def gains(name: str, model: ModelResult, teacher: ModelResult) -> list[tuple[str, str]]:
    """Return how much smaller and faster a student is, where the teacher's own is known."""
    found: list[tuple[str, str]] = []
    if teacher.parameters:
        found.append((f"{name} smaller", f"{teacher.parameters / model.parameters:.0f} ×"))
    if teacher.speed is not None and model.speed is not None:
        own, others = model.speed, teacher.speed
        faster = own.examples_per_second_batch_64 / others.examples_per_second_batch_64
        batch = "in batches" if others.as_labelled else "batch 64"
        found.append(
            (f"{name} faster, {batch}; teacher measured at another time", f"{faster:.0f} ×")
        )
    return found


def _quartiles(model: ModelResult) -> tuple[str, str]:
    """Return those of latency and of throughput; empty where they were not measured."""
    speed = model.speed
    if speed is None or speed.latency_ms_quartiles is None:
        return "", ""
    low, high = speed.latency_ms_quartiles
    slow, fast = speed.examples_per_second_quartiles or (0.0, 0.0)
    return f"{low:.2f}–{high:.2f}", f"{slow:,.0f}–{fast:,.0f}"
