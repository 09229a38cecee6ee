"""Tables become one: the mean of several teachers, or the heads of several tasks.

Imports `label`, `table`. To add: a mean in `mixture.py`.
"""
