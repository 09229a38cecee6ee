"""A student of several tasks: one encoder, a head for each, trained from a table for each.

Imports `train`. To add: what several heads need and one does not.
"""
