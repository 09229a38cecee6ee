"""The story: corpus → teacher → table → student → report, a room for each step; see README.md.

A room imports rooms of lower floors only (`tests/architecture/floors.py`); nothing lies loose here.
"""
