"""What kinds of teachers are built from: the protocol, inputs, windows, answers, runtimes.

Imports `networks`, `inputs`, `rows`. To add: what two kinds of teachers share.
"""
