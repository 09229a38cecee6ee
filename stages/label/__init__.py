"""Stage 1: the teacher labels the corpus, on Beam, and one commit makes the version visible.

Imports `asking`, `views`, `table`. To add a step: `pipeline.py` says in which order they are.
"""
