"""Metrics inside the graph, while a student or a teacher is trained.

Imports `heads.losses`. To add: a Keras metric, held to its twin in `heads.metrics` by a test.
"""
