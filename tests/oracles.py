"""Independent float64 definitions, written from the formulas and not from the code."""

from __future__ import annotations

import numpy as np


def softmax(logits, temperature=1.0):
    scaled = np.asarray(logits, np.float64) / temperature
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def log_softmax(logits, temperature=1.0):
    scaled = np.asarray(logits, np.float64) / temperature
    shifted = scaled - scaled.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def kl_to_teacher(student, teacher, temperature):
    probs = softmax(teacher, temperature)
    gap = log_softmax(teacher, temperature) - log_softmax(student, temperature)
    return temperature**2 * (probs * gap).sum(axis=-1)


def kl_to_teacher_gradient(student, teacher, temperature):
    return temperature * (softmax(student, temperature) - softmax(teacher, temperature))


def cross_entropy(student, labels):
    log_probs = log_softmax(student)
    return np.array([-log_probs[row, label] for row, label in enumerate(labels)])


def kl(probs, other):
    return (probs * (np.log(probs) - np.log(other))).sum(axis=-1)


def reverse_kl(student, teacher, temperature):
    return kl_to_teacher(teacher, student, temperature)


def jensen_shannon(student, teacher, temperature):
    one, other = softmax(student, temperature), softmax(teacher, temperature)
    middle = (one + other) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            np.where(probs > 0, probs * np.log(probs / middle), 0.0).sum(axis=-1)
            for probs in (one, other)
        ]
    return temperature**2 * sum(parts) / 2


def soft_cross_entropy(student, teacher, temperature):
    crossed = softmax(teacher, temperature) * log_softmax(student, temperature)
    return -(temperature**2) * crossed.sum(axis=-1)


def kl_with_tail_bucket(student, teacher, kept, temperature):
    found = []
    for mine, theirs, keep in zip(student, teacher, kept, strict=True):
        mine, theirs = softmax(mine, temperature), softmax(theirs, temperature)
        one = np.append(mine[keep], mine[~keep].sum())
        other = np.append(theirs[keep], theirs[~keep].sum())
        found.append(temperature**2 * kl(other, one))
    return np.array(found)


def decoupled(student, teacher, target, temperature, target_weight, others_weight):
    found = []
    for mine, theirs, place in zip(student, teacher, target, strict=True):
        mine, theirs = softmax(mine, temperature), softmax(theirs, temperature)
        two = [np.array([probs[place], 1 - probs[place]]) for probs in (theirs, mine)]
        others = [
            np.delete(probs, place) / np.delete(probs, place).sum() for probs in (theirs, mine)
        ]
        found.append(target_weight * kl(*two) + others_weight * kl(*others))
    return temperature**2 * np.array(found)


def relation_between_classes(student, teacher, temperature):
    pairs = zip(softmax(student, temperature), softmax(teacher, temperature), strict=True)
    return temperature**2 * np.array([1 - np.corrcoef(*pair)[0, 1] for pair in pairs])


def relation_within_classes(student, teacher, temperature):
    pairs = zip(softmax(student, temperature).T, softmax(teacher, temperature).T, strict=True)
    return temperature**2 * np.array([1 - np.corrcoef(*pair)[0, 1] for pair in pairs])


def logit_mse(student, teacher):
    centred = [np.asarray(one) - np.mean(one, axis=-1, keepdims=True) for one in (student, teacher)]
    return ((centred[0] - centred[1]) ** 2).mean(axis=-1)


def smoothed_cross_entropy(student, labels, smoothing):
    classes = student.shape[-1]
    wanted = np.full(student.shape, smoothing / classes)
    wanted[np.arange(len(labels)), labels] += 1 - smoothing
    return -(wanted * log_softmax(student)).sum(axis=-1)


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, np.float64)))


def bernoulli_kl_to_teacher(student, teacher, temperature):
    two = [np.stack([np.zeros_like(one), one], axis=-1) for one in (student, teacher)]
    return kl_to_teacher(*two, temperature).mean(axis=-1)


def bernoulli_kl_to_teacher_gradient(student, teacher, temperature):
    gap = sigmoid(np.asarray(student) / temperature) - sigmoid(np.asarray(teacher) / temperature)
    return temperature * gap / gap.shape[-1]


def binary_cross_entropy(student, labels):
    exact = np.asarray(student, np.float64)
    yes, no = -np.logaddexp(0, -exact), -np.logaddexp(0, exact)
    return -np.where(labels > 0.5, yes, no).mean(axis=-1)
