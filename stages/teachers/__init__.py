"""Teachers by kind: one module each, whose `load` makes one from its source.

Imports `parts`, `corpus`, `networks`, `places`. To add one: a module with `load(source)`.
"""
