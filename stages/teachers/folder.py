"""A teacher on disk: `teacher.keras`, `vocab.txt`, `teacher.json`. Read here without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import TeacherError, first_line
from schemas.head_kinds import USUAL_KIND, HeadKind, head_kinds
from schemas.heads import HeadPer
from schemas.provenance import digest_file
from schemas.teacher_card import CARD_FILE, MODEL_FILE, VOCABULARY_FILE, TeacherCard
from schemas.teacher_section import Teacher
from stages.machine.cards import card_in
from stages.machine.listing import first_few
from stages.teachers.parts.source import KERAS, TeacherSource, answer_parts, teacher_fingerprint


def open_teacher(
    path: Path,
    *,
    classes: tuple[str, ...],
    how: Teacher = KERAS,
    per: HeadPer = "example",
    kind: HeadKind = USUAL_KIND,
) -> TeacherSource:
    """Return the teacher in a folder, whose classes must be those asked for, in that order.

    Raises:
      TeacherError: a file is missing or damaged, or the classes differ.
    """
    card = read_card(path)
    for name in (MODEL_FILE, VOCABULARY_FILE):
        if not (path / name).is_file():
            raise TeacherError(f"teacher is not whole: {path}: no {name}. Make it again.")
    check_vocabulary_file(path, card)
    if head_kinds()[kind].named and len(card.classes) == 1:
        card = card.model_copy(update={"classes": classes})  # what a number is called says nothing
    if card.classes != classes:
        raise TeacherError(
            f"teacher has other classes: {path}: found {len(card.classes)} "
            f"({first_few(card.classes)}), expected {len(classes)} "
            f"({first_few(classes)}). Use its classes in its order, or another teacher."
        )
    return teacher_in(path, card, how, per, kind)


def teacher_in(
    path: Path,
    card: TeacherCard,
    how: Teacher = KERAS,
    per: HeadPer = "example",
    kind: HeadKind = USUAL_KIND,
) -> TeacherSource:
    """Return a folder's teacher, whose card is known."""
    return TeacherSource(
        how=how,
        location=str(path),
        classes=card.classes,
        fingerprint=_fingerprint(path, card, how, per, kind),
        max_length=card.max_length,
        lowercase=card.lowercase,
        vocabulary=path / VOCABULARY_FILE,
        vouched=card.vocabulary is not None,
        per=per,
        kind=kind,
    )


def read_card(path: Path) -> TeacherCard:
    """Return a teacher folder's card.

    Raises:
      TeacherError: there is none, or it does not hold.
    """
    try:
        return card_in(path / CARD_FILE, TeacherCard)
    except FileNotFoundError:
        raise TeacherError(
            f"no teacher: {path}: no {CARD_FILE}. Run `teach`, or mend teacher.path; that of a hub "
            'is kind = "transformers", source = { handle = "hf://owner/name" }.'
        ) from None
    except (ValueError, OSError) as error:
        raise TeacherError(
            f"teacher card cannot be read: {path / CARD_FILE}: {first_line(error)}. Mend it, or "
            "make the teacher again."
        ) from error


def check_vocabulary_file(path: Path, card: TeacherCard) -> None:
    """Hold a folder's vocabulary to the digest that its card states, if it states one.

    Raises:
      TeacherError: it is another one.
    """
    found = digest_file(path / VOCABULARY_FILE)
    if card.vocabulary not in (None, found):
        raise TeacherError(
            f"teacher has another vocabulary: {path / VOCABULARY_FILE}: found digest {found}, "
            f"expected {card.vocabulary} as its {CARD_FILE} says. Put that file back, or make the "
            "teacher again."
        )


def windows(how: Teacher) -> dict[str, object]:
    """Return what a fingerprint says of how long rows are seen; nothing where they are cut."""
    return {} if how.stride is None else {"stride": how.stride}


def _fingerprint(path: Path, card: TeacherCard, how: Teacher, per: HeadPer, kind: HeadKind) -> str:
    apart = {} if per == "example" else {"per": per, "word_logits": how.word_logits, **windows(how)}
    return teacher_fingerprint(
        {
            **apart,
            **answer_parts(how, kind),
            "weights_and_config": digest_file(path / MODEL_FILE),
            "vocabulary": digest_file(path / VOCABULARY_FILE),
            "classes": card.classes,
            "max_length": card.max_length,
            "lowercase": card.lowercase,
            "backend": "onnxruntime" if how.runtime == "onnx" else "tensorflow",
            "compute_dtype": how.compute_dtype,
        }
    )
