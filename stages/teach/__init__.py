"""Fine-tune a pretrained encoder into a teacher, on the corpus' hard labels.

Imports `asking`, `corpus`, `networks`. To add: a kind of rows in `rows.py`, a fit in `fit.py`.
"""
