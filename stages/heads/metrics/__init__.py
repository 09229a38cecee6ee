"""Metrics of a whole split in NumPy, as reports and gates have them.

Imports `rows` and `heads.spans`. To add: a function of labels and logits, held to scikit-learn.
"""
