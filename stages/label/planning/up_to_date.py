"""Whether a label run has anything to do, and what is said where it has nothing."""

from __future__ import annotations

from pathlib import Path

from stages.label.planning.plan import LabelPlan
from stages.table.opening import SoftLabelTable, open_table, table_exists


def up_to_date(plan: LabelPlan, labels: Path) -> SoftLabelTable | None:
    """Return the table of a plan, or None where it is still to be made.

    Raises:
      TableError: there is a table, and it cannot be opened.
    """
    table = open_table(labels) if table_exists(labels) else None
    return table if table and table.card.plan_fingerprint == plan.fingerprint else None


def nothing_to_do(quarantined: int, labels: Path) -> str:
    """Return what is said of a table that is up to date, with the rows that it lacks.

    >>> nothing_to_do(1, Path("labels")).partition("; ")[2]
    '1 row is in quarantine, as label.max_quarantined allows; with 0 it is read and asked again'
    """
    text = f"nothing to do, {labels} is up to date"
    if not quarantined:
        return text
    one = quarantined == 1
    rows = "1 row is" if one else f"{quarantined} rows are"
    return (
        f"{text}; {rows} in quarantine, as label.max_quarantined allows; with 0 "
        f"{'it is' if one else 'they are'} read and asked again"
    )
