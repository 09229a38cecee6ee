"""Files of a corpus become checked rows: features, hard labels, splits, what is refused and why.

Imports `rows`, `inputs`, `heads`, `places`. To add a format: `formats/`; a check: `normal_form.py`.
"""
