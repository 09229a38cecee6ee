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
