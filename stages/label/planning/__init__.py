"""What labelling would do and cost, before the teacher is paid: plan, preflight, budget, forecast.

Imports `asking`, `views`, `corpus`. To add: a check that `pipeline.py` calls before it pays.
"""
