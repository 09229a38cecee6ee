"""Tiny images with a class for each pixel, and a teacher for them in code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.run_file import RunFile
from stages.table.opening import SoftLabelTable
from tests import tiny

CLASSES = ("dark", "light")
OVERRIDES = (
    "corpus.format=parquet",
    'corpus.files=[{path="images.parquet"}]',
    'corpus.features=["image"]',
    'corpus.feature_kinds={image="numbers"}',
    'heads=[{name="shade", per="pixel", classes=["dark", "light"]}]',
    'teacher={kind="module", callable="tests.tiny_pixels:make"}',
    "label.num_shards=2",
)


def make():
    """Return a teacher whose logits are a pixel's darkness and its lightness."""
    return lambda images: [
        np.stack([-8 * np.array(image) + 4, 8 * np.array(image) - 4], axis=1) for image in images
    ]


def write_corpus(folder: Path, count: int = 40) -> pa.Table:
    """Write images of 4 × 4 or 3 × 5 pixels, some of which have no labels."""
    draw = np.random.default_rng(3)
    images = [draw.random(16 if number % 2 else 15).astype(np.float32) for number in range(count)]
    shades = [
        None if number % 5 == 0 else [CLASSES[int(pixel > 0.5)] for pixel in image]
        for number, image in enumerate(images)
    ]
    lists = pa.array([image.tolist() for image in images], pa.list_(pa.float32()))
    rows = pa.table({"image": lists, "shade": pa.array(shades, pa.list_(pa.string()))})
    pq.write_table(rows, folder / "images.parquet")
    return rows


def run(*overrides: str) -> RunFile:
    """Return the run file."""
    return tiny.run(*OVERRIDES, *overrides)


def label(folder: Path, *overrides: str) -> SoftLabelTable:
    """Label the images in a folder into `labels`."""
    return tiny.label_run(folder, run(*overrides))
