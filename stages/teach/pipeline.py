"""Teach: read the corpus, fine-tune the encoder, write the teacher folder, measure it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemas.errors import RunFileError, TeacherError
from schemas.provenance import digest_file, fingerprint
from schemas.run_file import RunFile
from schemas.scores import TITLES, AnyScores
from schemas.teacher_card import CARD_FILE, MODEL_FILE, VOCABULARY_FILE, TeacherCard
from schemas.teacher_section import Fit
from stages.corpus.files import CorpusPlan, plan_corpus
from stages.corpus.sample import SAMPLE_INPUTS
from stages.heads import head_kind
from stages.heads.labels import labels_by_line
from stages.heads.protocol import Judging
from stages.inputs.find import student_inputs
from stages.machine.atomic import whole_file, write_whole
from stages.machine.own_folders import folder_alone
from stages.machine.progress import say
from stages.places.assets import ResolvedAsset, resolve_model
from stages.rows.columns import has_label, no_label
from stages.rows.pointers import first_positions, questions_of
from stages.table.class_rows import class_rows, say_scarce
from stages.teach.rows import labelled_rows
from stages.teachers.folder import open_teacher, read_card, teacher_in
from stages.teachers.parts.source import STATED_APART, TeacherSource
from stages.teachers.places import find_teacher

if TYPE_CHECKING:
    import keras

    from stages.inputs.wordpiece import Wordpiece

BACKUP_FOLDER = "_backup"
_NOT_FITTED_BY = STATED_APART | {"encoder"}  # the encoder counts by its digest


@dataclass(frozen=True)
class TeachPlan:
    """What would be fine-tuned, and the fingerprint of everything that decides it."""

    run: RunFile
    how: Fit
    corpus: CorpusPlan
    encoder: ResolvedAsset
    fingerprint: str


def teacher_of(run: RunFile, *, base: Path, out: Path) -> TeacherSource:
    """Return the run's teacher: the one it names, or the one fine-tuned to `out`.

    Raises:
      PipelineError: it cannot be had.
    """
    if run.teacher.encoder is not None:
        teach(plan_teach(run, base=base), out=out)
    return find_teacher(run, base=base, fitted=out)


def plan_teach(run: RunFile, *, base: Path) -> TeachPlan:
    """Find corpus and encoder.

    Raises:
      RunFileError: the run names a teacher that is there already.
      AssetError, CorpusError: one of them cannot be had.
    """
    if run.teacher.encoder is None or run.teacher.fit is None:
        raise RunFileError(
            f"nothing to teach: the run file names a teacher of kind {run.teacher.kind!r}, "
            "which is used as it is. State [teacher.encoder] and [teacher.fit] to fine-tune one."
        )
    corpus = plan_corpus(run, base=base)
    encoder = resolve_model(run.teacher.encoder, base=base)
    parts = {
        "corpus": corpus.digest,
        "repeats": run.corpus.repeats,
        "encoder": encoder.digest,
        "teacher": run.teacher.model_dump(mode="json", exclude=_NOT_FITTED_BY),
    }
    if run.head.has_spans:
        parts["kept_by"] = "span_f1"
    return TeachPlan(run, run.teacher.fit, corpus, encoder, fingerprint(parts))


def teach(plan: TeachPlan, *, out: Path) -> TeacherSource:
    """Fine-tune the encoder into the folder `out`, unless the same teacher is there.

    Raises:
      PipelineError: any stated failure; no teacher.json is left by an unfinished one.
    """
    if _is_current(plan, out):
        say(f"teach: nothing to do, {out} is up to date")
        shutil.rmtree(out / BACKUP_FOLDER / plan.fingerprint, ignore_errors=True)  # if it was ended
    else:
        with folder_alone(out):
            _teach_anew(plan, out)
    return open_teacher(out, classes=plan.run.head.classes)


def _is_current(plan: TeachPlan, out: Path) -> bool:
    return (out / CARD_FILE).is_file() and read_card(out).fitted_from == plan.fingerprint


def _teach_anew(plan: TeachPlan, out: Path) -> None:
    rows = labelled_rows(
        plan.corpus,
        once=plan.run.corpus.repeats == "once",
        tolerant=plan.run.label.tolerant,
    )
    say("teach: " + ", ".join(f"{part.num_rows} {name}" for name, part in rows.items()) + " rows")
    say_scarce("teach", class_rows(rows.items(), plan.run.head), plan.run.head)
    model, vocabulary, epochs = _fitted(plan, rows, backup=out / BACKUP_FOLDER / plan.fingerprint)
    (out / CARD_FILE).unlink(missing_ok=True)
    with whole_file(out / MODEL_FILE) as part:
        model.save(part)
    write_whole(out / VOCABULARY_FILE, "\n".join(vocabulary).encode())
    card = TeacherCard(
        classes=plan.run.head.classes,
        max_length=plan.run.teacher.max_length,
        lowercase=plan.run.teacher.lowercase,
        vocabulary=digest_file(out / VOCABULARY_FILE),
        fitted_from=plan.fingerprint,
        epochs=epochs,
    )
    head = plan.run.head
    source = teacher_in(out, card, per=head.per, kind=head.kind, how=plan.run.teacher)
    scores = measure_teacher(source, rows, plan)
    scored = card.model_copy(update={"scores": scores})
    write_whole(out / CARD_FILE, scored.model_dump_json(indent=2).encode())
    shutil.rmtree(out / BACKUP_FOLDER, ignore_errors=True)


def _fitted(
    plan: TeachPlan, rows: dict[str, pa.Table], *, backup: Path
) -> tuple[keras.Model, list[str], tuple[dict[str, float], ...]]:
    import keras
    import tensorflow as tf

    from stages.inputs.wordpiece import Wordpiece
    from stages.networks.encoder import load_encoder
    from stages.networks.output_bias import start_at_mean
    from stages.teach.encoder import classifier
    from stages.teach.fit import LabelledTokens, fit
    from stages.teach.words import labelled_words

    run, how = plan.run, plan.how
    keras.utils.set_random_seed(how.seed)
    encoder, vocabulary = load_encoder(plan.encoder.location)
    _check_length(encoder, run.teacher.max_length)
    model = classifier(
        encoder,
        classes=len(run.head.classes),
        dropout=how.dropout,
        train_embeddings=how.train_embeddings,
        per=run.head.per,
    )
    layout = run.layout()
    wordpiece = Wordpiece(
        vocabulary, lowercase=run.teacher.lowercase, max_length=run.teacher.max_length
    )

    _check_reading(plan, rows["train"], wordpiece)

    def tokens(split: str) -> LabelledTokens:
        part = rows[split]
        inputs = student_inputs(part, layout)
        labels = labels_by_line(part, layout)
        if run.head.by_position:
            first = first_positions(part[layout.features[0]], run.head)
            return labelled_words(wordpiece, inputs, labels, first=first)
        return LabelledTokens(wordpiece.tokens(tf.constant(inputs, tf.string))[0], labels)

    train, validation = tokens("train"), tokens("validation")
    if head_kind(run.head.kind).starts_at_mean:
        start_at_mean(model, train.labels[:, 0])
    epochs = fit(
        model,
        train,
        validation,
        how,
        head=run.head,
        wordpiece=wordpiece,
        backup=backup,
    )
    return model, vocabulary, epochs


def _check_reading(plan: TeachPlan, rows: pa.Table, wordpiece: Wordpiece) -> None:
    """Say how the encoder's tokenizer reads the first rows, and refuse one that does not.

    Raises:
      TeacherError: it reads nothing of them, or less than is stated.
    """
    from stages.asking.fluency import check_fluency, measured, nothing, say_fluency
    from stages.inputs.wordpiece import ragged_words
    from stages.teachers.parts.pieces import WordpieceInputs

    run, head = plan.run, plan.run.head
    inputs = rows.select(list(run.corpus.features)).slice(0, SAMPLE_INPUTS)
    encode = WordpieceInputs.of_words if head.by_position else WordpieceInputs.of
    pieces = None
    if run.teacher.stride is not None:  # labelled through windows, which see all words of a row
        lists = ragged_words(inputs.column(0).to_pylist())
        pieces = wordpiece.words(lists)[1].flat_values.numpy()
    found = measured(
        encode(inputs, wordpiece),
        inputs,
        head,
        unknown_piece=wordpiece.unknown_id,
        framing=int(encode(nothing(inputs, head), wordpiece).lengths[0]),
        word_pieces=pieces,
    )
    say_fluency(found, head, stage="teach")
    if found is not None:
        check_fluency(found, run.label, head, place=plan.encoder.location)


def _check_length(encoder: keras.Model, max_length: int) -> None:
    from stages.networks.layers import positions_below

    if (longest := positions_below(encoder, max_length)) is not None:
        raise TeacherError(
            f"encoder cannot read rows so long: teacher.max_length is {max_length}, and it has "
            f"{longest} positions. State at most that; with teacher.stride a head per token sees "
            "all of a longer row."
        )


def measure_teacher(
    source: TeacherSource, rows: dict[str, pa.Table], plan: TeachPlan
) -> dict[str, AnyScores]:
    """Return the saved teacher's scores on validation and test, asked as `label` asks it."""
    from stages.asking.ask import soft_labels
    from stages.teachers.load import load_teacher

    run, teacher, scores = plan.run, load_teacher(source), {}
    layout = run.layout()
    for split in ("validation", "test"):
        if rows[split].num_rows == 0:
            continue
        answer = soft_labels(
            teacher,
            rows[split],
            features=run.corpus.features,
            how=run.label,
            head=run.head,
        )
        labels = labels_by_line(rows[split], layout).copy()
        labels[np.isin(answer.answers.row_of_line, list(answer.failures))] = no_label(labels)
        if not has_label(labels).any():
            continue
        asked = questions_of(rows[split], layout)
        how = Judging(bins=run.evaluate.calibration_bins, questions=asked)
        scores[split] = head_kind(run.head.kind).score(
            answer.answers, labels, head=run.head, how=how
        )
        metric = scores[split].headline
        say(f"teach: {split} {TITLES[metric]} {scores[split].figures[metric]:.4f}")
    return scores
