"""A teacher is asked: batches of like length, failures found by halves, answers judged.

Imports `teachers` and `table`. To add: what is done with every batch that a teacher answers.
"""
