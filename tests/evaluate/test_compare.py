"""The verdict is plain, also when distillation did not help."""

import html
import re

import numpy as np
import pytest

from schemas.report import ModelResult, Report, Speed
from stages.evaluate.compare import compare
from stages.evaluate.html import render
from stages.evaluate.plots import confusion
from stages.evaluate.text import results_text
from stages.heads.metrics.classes import score


def model(role, seed, right, *, rows=100, name="bag"):
    labels = np.arange(rows) % 2
    predicted = np.where(np.arange(rows) < right, labels, 1 - labels)
    logits = np.eye(2, dtype=np.float32)[predicted]
    teacher = None if role == "teacher" else np.eye(2, dtype=np.float32)[labels]
    return ModelResult(
        cut=0,
        name=name,
        role=role,
        seed=seed,
        scores=score(logits, labels, bins=5, teacher_logits=teacher),
        parameters=1000,
        file_bytes=4000,
        speed=Speed(latency_ms_batch_1=1.0, examples_per_second_batch_64=100.0, calls=5),
        epochs=({"loss": 1.0, "val_accuracy": 0.5}, {"loss": 0.5, "val_accuracy": 0.6}),
    )


TEACHER = model("teacher", None, 95)


def summary(students, baselines):
    models = [model("student", seed, right) for seed, right in enumerate(students)]
    models += [model("baseline", seed, right) for seed, right in enumerate(baselines)]
    return compare("bag", models, TEACHER)


@pytest.mark.parametrize(
    ("students", "baselines", "helped", "words"),
    [
        ([90, 91, 90], [80, 80, 81], True, "distillation helped: "),
        ([80, 80, 80], [85, 86, 84], False, "distillation hurt: -5.0 ± 2.5 points"),
        ([79, 80, 85], [80, 90, 80], False, "may have hurt, the seeds do not settle it: -2.0 ± "),
        ([80, 82], [82, 80], False, "neither helped nor hurt: +0.0 ± 25.4 points"),
        ([80, 90, 80], [79, 80, 85], False, "may have helped, the seeds do not settle it"),
        ([90], [80], False, "may have helped, one seed cannot settle it: +10.0 points"),
        ([80], [90], False, "may have hurt, one seed cannot settle it: -10.0 points"),
        (
            [80],
            [80],
            False,
            "neither helped nor hurt: +0.0 points of accuracy over the baseline (1",
        ),
        ([90], [], None, "no baseline was trained"),
        ([81, 81], [80, 80], False, "may have helped, the seeds do not settle it: +1.0 ± 0.0"),
    ],
)
def test_verdicts(students, baselines, helped, words):
    found = summary(students, baselines)
    assert found.helped is helped
    assert words in found.verdict


def test_figures_are_means_over_seeds_and_retention_is_of_the_teacher():
    found = summary([90, 80], [70, 70])
    assert found.student["accuracy"].mean == pytest.approx(0.85)
    assert found.retention == pytest.approx(0.85 / 0.95)
    assert found.lift.values == pytest.approx((0.2, 0.1))


@pytest.mark.parametrize("rights", [[90, 91, 90], [80, 90, 80], [90], [81, 81]])
def test_a_loss_is_said_as_carefully_as_a_gain(rights):
    gain = summary(rights, [80] * len(rights)).verdict
    loss = summary([80] * len(rights), rights).verdict
    mirrored = loss.replace("hurt", "helped").replace(": -", ": +")
    assert mirrored == gain
    assert ("95 %" in gain, "interval" in gain) == (False, len(rights) == 1)


@pytest.mark.parametrize(
    ("students", "baselines", "mark"),
    [
        ([90, 91, 90], [80, 80, 81], "verdict yes"),
        ([80, 80, 81], [90, 91, 90], "verdict no"),
        ([80, 90, 80], [79, 80, 85], "verdict "),
        ([79, 80, 85], [80, 90, 80], "verdict "),
        ([80], [90], "verdict "),
    ],
)
def test_the_page_marks_only_what_is_settled(students, baselines, mark):
    assert f'<p class="{mark}">' in render(report(students, baselines))


def report(students=(80,), baselines=(85,)):
    models = tuple(model("student", seed, right) for seed, right in enumerate(students, 1))
    models += tuple(model("baseline", seed, right) for seed, right in enumerate(baselines, 1))
    return Report(
        fingerprint="f",
        name="tiny <run>",
        split="test",
        classes=("yes", "<no>"),
        seeds=tuple(range(1, len(students) + 1)),
        table={"version": 0, "rows": 100, "distinct_inputs": 90, "teacher_calls": 90},
        teacher=TEACHER,
        models=models,
        students=(compare("bag", models, TEACHER),),
    )


def test_the_text_shows_teacher_student_baseline_and_verdict():
    text = results_text(report())
    for words in ("teacher", "bag student", "bag baseline", "0.950", "0.800", "may have hurt"):
        assert words in text


def test_the_page_is_one_file_with_its_plots_and_escapes_names():
    page = render(report())
    assert page.count("<svg") >= 4
    assert "may have hurt" in page
    assert "&lt;no&gt;" in page
    assert "<no>" not in page
    assert re.findall(r'(?:href|src)="(?!#|data:)', page) == []


def test_of_one_seed_nothing_speaks_of_intervals_and_of_several_the_page_says_which():
    alone, several = report(), report((80, 81), (85, 85))
    assert "95 %" not in render(alone) and "±" not in render(alone) + results_text(alone)
    assert "one seed, 1, so no intervals" in render(alone)
    assert "Bars are means, dots are seeds." not in render(alone)
    assert "seeds 1, 2. Means over seeds with 95 % intervals." in render(several)
    assert "0.805 ± 0.064" in render(several) and "0.805 ± 0.064" in results_text(several)
    assert results_text(several).splitlines().count("± is a 95 % interval over the seeds") == 1


def test_the_spread_of_speed_is_shown_and_the_teachers_is_said_to_be_of_another_time():
    own = report()
    speeds = [(1.25, (1.0, 1.5), 800.0, (700.0, 1900.0)), (2.0, (1.75, 2.5), 500.0, (400.0, 600.0))]
    models = tuple(
        model.model_copy(
            update={
                "speed": Speed(
                    latency_ms_batch_1=ms,
                    examples_per_second_batch_64=rate,
                    calls=5,
                    latency_ms_quartiles=of_ms,
                    examples_per_second_quartiles=of_rate,
                )
            }
        )
        for model, (ms, of_ms, rate, of_rate) in zip(own.models, speeds, strict=True)
    )
    own = own.model_copy(update={"models": models})
    text, page = results_text(own), render(own)
    assert (
        "bag: all in turns, quartiles: student 1.00–1.50 ms/1, 700–1,900 ex/s/64; "
        "baseline 1.75–2.50 ms/1, 400–600 ex/s/64\n"
        "teacher: its speed was measured when the table was made, at another time than the others"
    ) in text
    assert "<td>1.25 (1.00–1.50)</td><td>800 (700–1,900)</td>" in page
    assert "the teacher's was measured when the table was made, at another time" in page
    assert "<b>8 ×</b><span>bag faster, batch 64; teacher measured at another time</span>" in page
    asked = TEACHER.speed.model_copy(update={"as_labelled": True})
    own = own.model_copy(update={"teacher": TEACHER.model_copy(update={"speed": asked})})
    for shown in (results_text(own), render(own)):
        assert "at another time than the others, and in the batches of its labelling" in shown


def test_every_student_has_its_calibration():
    two = (
        *report().models,
        model("student", 1, 70, name="cnn"),
        model("baseline", 1, 60, name="cnn"),
    )
    assert "bag student" not in calibration_of(render(report()))
    page = calibration_of(render(report().model_copy(update={"models": two})))
    for name in ("teacher", "bag student", "bag baseline", "cnn student", "cnn baseline"):
        assert f"{name} (ECE" in page


def calibration_of(page):
    return page.split("<h2>Calibration</h2>")[1].split("<h2>")[0]


@pytest.mark.parametrize("name", ["up to $5 (50% off $10)", "$100_$200", "$0-$50", "a^{", "\\$"])
def test_a_class_of_any_name_is_drawn_as_it_is_called(name):
    plot = confusion(TEACHER.scores, (name, "b", "c"), "title")
    assert html.escape(name, quote=False) in plot
