"""Write the golden table of the current format: `python -m tests.golden.write`.

Run it only when the format version changes, and keep the tables of older versions.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from schemas.soft_labels import FORMAT_VERSION
from tests import tiny

FOLDER = Path(__file__).parent


def plain(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return rows as JSON can hold them."""
    return [
        {key: value.hex() if isinstance(value, bytes) else value for key, value in row.items()}
        for row in rows
    ]


def main() -> None:
    target = FOLDER / f"v{FORMAT_VERSION}"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tiny.write_experiment(folder, rows=[*tiny.examples(24), {"text": "one fig", "thing": None}])
        os.chdir(folder)
        table = tiny.label(folder, folder / "labels", "label.num_shards=1")
        rows = plain(tiny.rows_of(table))
        shutil.copytree(folder / "labels", target)
    (FOLDER / f"v{FORMAT_VERSION}.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
