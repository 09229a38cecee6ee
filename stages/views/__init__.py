"""Augmented views of training texts, which the teacher labels too.

Imports `corpus`. To add an augmenter: a module in `augmenters/`.
"""
