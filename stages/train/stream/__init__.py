"""Rows of the table as batches of tensors; each is a function of seed, epoch and step.

Imports `table`, `rows`, `inputs`. To add: a source of batches with the same promise.
"""
