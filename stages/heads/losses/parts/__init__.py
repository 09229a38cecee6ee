"""The mathematics of losses, each a pure function with its source.

Imports `machine` and `rows`. To add one: a function here if several losses need it; what only one
needs stands in that loss's own module.
"""
