"""Rows in Arrow and NumPy: lists, digests, logits as they are kept, probabilities, pointers.

Imports `schemas` alone. To add: a pure function over columns, with its doctest.
"""
