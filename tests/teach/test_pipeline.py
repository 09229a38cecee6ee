"""Fine-tuning a tiny real BERT: a teacher folder, measured, resumable, and kept."""

import numpy as np
import pytest

from schemas.errors import CorpusError, RunFileError, TeacherError
from stages.teach.fit import optimizer
from stages.teach.pipeline import plan_teach, teach, teacher_of
from stages.teachers.folder import open_teacher, read_card
from tests import tiny
from tests.tiny_berts import write_hugging_face

FIT = (
    'teacher={encoder={path="bert"}, max_length=16, '
    "fit={seed=1, epochs=3, learning_rate=5e-3, batch_size=8}}"
)


@pytest.fixture
def with_encoder(experiment):
    write_hugging_face(experiment / "bert")
    return experiment


def test_the_teacher_learns_and_is_measured(with_encoder):
    longer = ("teacher.fit.epochs=12", "teacher.fit.patience_epochs=12", "teacher.fit.dropout=0")
    run = tiny.run(FIT, "teacher.fit.batch_size=4", "teacher.fit.learning_rate=1e-2", *longer)
    made = teach(plan_teach(run, base=with_encoder), out=with_encoder / "made")
    card = read_card(with_encoder / "made")
    assert card.scores["test"].accuracy > 0.9
    assert card.epochs[-1]["loss"] < card.epochs[0]["loss"]
    assert made.classes == card.classes == tiny.CLASSES
    assert not (with_encoder / "made" / "_backup").exists()


def test_a_teacher_that_is_there_is_kept(with_encoder, capsys):
    run = tiny.run(FIT)
    first = teach(plan_teach(run, base=with_encoder), out=with_encoder / "made")
    again = teach(plan_teach(run, base=with_encoder), out=with_encoder / "made")
    assert again.fingerprint == first.fingerprint
    assert "teach: nothing to do" in capsys.readouterr().err


def test_another_way_of_running_it_is_another_teacher_but_no_other_fit(with_encoder):
    plain, rounded = tiny.run(FIT), tiny.run(FIT, "teacher.compute_dtype=bfloat16")
    plans = [plan_teach(run, base=with_encoder) for run in (plain, rounded)]
    assert plans[0].fingerprint == plans[1].fingerprint
    teach(plans[0], out=with_encoder / "made")
    sources = [
        teacher_of(run, base=with_encoder, out=with_encoder / "made") for run in (plain, rounded)
    ]
    assert sources[0].fingerprint != sources[1].fingerprint


def test_rows_beyond_the_encoders_positions_are_refused(with_encoder):
    plan = plan_teach(tiny.run(FIT, "teacher.max_length=4000"), base=with_encoder)
    with pytest.raises(TeacherError, match=r"max_length is 4000, and it has \d+ positions"):
        teach(plan, out=with_encoder / "made")


def test_an_interrupted_fit_goes_on_from_its_last_epoch(with_encoder, monkeypatch):
    from stages.teach.kept_epochs import KeptEpochs

    run = tiny.run(FIT)
    seen = []

    def stop(self, epoch, logs=None):
        seen.append(epoch)
        if epoch == 1 and len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(KeptEpochs, "on_epoch_begin", stop, raising=False)
    plan = plan_teach(run, base=with_encoder)
    with pytest.raises(KeyboardInterrupt):
        teach(plan, out=with_encoder / "made")
    with pytest.raises(TeacherError, match="no teacher: .*Run `teach`"):
        read_card(with_encoder / "made")
    teach(plan, out=with_encoder / "made")
    assert seen == [0, 1, 1, 2]


@pytest.mark.parametrize("rate", ["1e-2", "0.5"])  # with the large one the first epoch is the best
def test_an_interrupted_fit_ends_as_one_that_was_not(rate, with_encoder, monkeypatch):
    import keras

    from stages.teach.kept_epochs import KeptEpochs

    how = ("teacher.fit.epochs=4", "teacher.fit.patience_epochs=4")
    run = tiny.run(FIT, f"teacher.fit.learning_rate={rate}", *how)
    plan = plan_teach(run, base=with_encoder)
    teach(plan, out=with_encoder / "whole")
    for epoch in (1, 3):

        def stop(self, number, logs=None, epoch=epoch):
            if number == epoch:
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(KeptEpochs, "on_epoch_begin", stop, raising=False)
            with pytest.raises(KeyboardInterrupt):
                teach(plan, out=with_encoder / "cut")
    teach(plan, out=with_encoder / "cut")
    cards = [read_card(with_encoder / name) for name in ("whole", "cut")]
    assert cards[0].epochs == cards[1].epochs and len(cards[0].epochs) == 4
    models = [
        keras.saving.load_model(with_encoder / name / "teacher.keras", compile=False)
        for name in ("whole", "cut")
    ]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_fit_that_was_done_is_not_done_again(with_encoder, monkeypatch):
    from stages.teach.kept_epochs import KeptEpochs

    plan = plan_teach(tiny.run(FIT), base=with_encoder)
    with monkeypatch.context() as patched:
        patched.setattr("stages.teach.pipeline.whole_file", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            teach(plan, out=with_encoder / "made")

    def never(self, epoch, logs=None):
        raise AssertionError("fitted again")

    monkeypatch.setattr(KeptEpochs, "on_epoch_begin", never, raising=False)
    teach(plan, out=with_encoder / "made")
    assert len(read_card(with_encoder / "made").epochs) == 3


def test_a_named_teacher_is_taken_as_it_is(experiment):
    found = teacher_of(tiny.run(), base=experiment, out=experiment / "out")
    assert found.location == str(experiment / "teacher")
    assert not (experiment / "out").exists()


def test_a_run_that_names_its_teacher_has_nothing_to_teach(experiment):
    with pytest.raises(RunFileError, match="nothing to teach: .* of kind 'keras'"):
        plan_teach(tiny.run(), base=experiment)


def test_a_corpus_without_labels_cannot_teach(with_encoder):
    rows = [{**row, "thing": None} for row in tiny.examples(30)]
    tiny.write_corpus(with_encoder / "corpus.jsonl", rows)
    with pytest.raises(CorpusError, match="no labelled row in split 'train'"):
        teach(plan_teach(tiny.run(FIT), base=with_encoder), out=with_encoder / "made")


def test_the_rate_warms_up_and_decays():
    how = tiny.run(FIT).teacher.fit
    rate = optimizer(how, steps=100)._learning_rate
    rates = [float(rate(step)) for step in range(101)]
    assert rates[0] == 0.0
    assert max(rates) == pytest.approx(how.learning_rate, rel=1e-4)
    assert 8 <= rates.index(max(rates)) <= 12
    assert rates[100] < how.learning_rate / 100


@pytest.mark.parametrize("name", ["teacher.keras", "vocab.txt"])
def test_a_teacher_that_is_not_whole_is_stated(name, experiment):
    (experiment / "teacher" / name).unlink()
    with pytest.raises(TeacherError, match=f"no {name}"):
        open_teacher(experiment / "teacher", classes=tiny.CLASSES)


def test_the_fingerprint_follows_every_file(experiment):
    def fingerprint():
        return open_teacher(experiment / "teacher", classes=tiny.CLASSES).fingerprint

    first = fingerprint()
    assert fingerprint() == first
    with (experiment / "teacher" / "vocab.txt").open("a") as file:
        file.write("\nmore")
    assert fingerprint() != first
