"""Measure what was made, and report it honestly."""
