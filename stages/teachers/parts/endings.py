"""What a Keras teacher ends with, held to what is asked of it."""

from __future__ import annotations

import keras

from schemas.errors import TeacherError
from schemas.head_kinds import head_kinds
from stages.heads import head_kind
from stages.networks.layers import last_activation
from stages.teachers.parts.source import TeacherSource

OF_ONE_NUMBER = "sigmoid"  # the activation that makes a probability of one number


def check_ending(place: str, model: keras.Model, source: TeacherSource) -> None:
    """Refuse a model whose last activation says that it answers something else.

    Raises:
      TeacherError: it ends with a sigmoid for a softmax head, or the reverse; or it answers with
        probabilities, and logits were expected.
    """
    ending, how = last_activation(model), source.how
    expected = head_kind(source.kind).activation
    of_kinds = {head_kind(name).activation: name for name in head_kinds()}
    if ending is None or ending not in of_kinds or expected is None:
        return
    if how.gives_one_number:
        if ending == OF_ONE_NUMBER and how.answers == "one_logit":
            raise TeacherError(
                f"teacher answers with probabilities: {place}: it ends with a sigmoid. State "
                'teacher.answers = "one_probability".'
            )
        return
    if ending != expected:
        raise TeacherError(
            f"teacher is of another kind: {place}: it ends with a {ending}, expected one for a "
            f'{source.kind} head. State kind = "{of_kinds[ending]}" for the head and '
            'teacher.answers = "probabilities", or use another model.'
        )
    if how.answers != "probabilities":
        remedy = (
            "Let it answer with logits"
            if source.per != "example"
            else ('State teacher.answers = "probabilities"')
        )
        raise TeacherError(
            f"teacher answers with probabilities: {place}: it ends with a {ending}. {remedy}."
        )
