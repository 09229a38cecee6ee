"""What is said of an input: its losses, its scores while training, its metrics in a report.

Imports `machine` and `rows`. To add: what is true of a kind of head wherever it is used.
"""
