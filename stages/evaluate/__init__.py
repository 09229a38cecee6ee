"""Students are judged on a split, and a report says what distillation was worth.

Imports `train`, `table`, `heads`. To add a figure: `judge.py` measures, `page.py` shows.
"""
