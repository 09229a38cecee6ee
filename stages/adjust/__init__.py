"""Settings are tried until a student reaches its target.

Imports `evaluate`, `train`. To add: a kind of range in `space.py`.
"""
