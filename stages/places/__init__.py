"""Where bytes are: paths, packages of registries, hubs, catalogues of data sets.

Imports `machine`. To add: a function from what a run file states to a local path, by digest.
"""
