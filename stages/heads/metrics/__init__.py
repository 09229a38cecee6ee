"""Metrics of a whole split in NumPy, as reports and gates have them.

Imports `rows`. To add: a function of labels and logits, held to scikit-learn.
"""
