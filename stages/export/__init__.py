"""Students elsewhere: written in a format, read back, compared with what they were.

Imports `evaluate`, `train`. To add a format: a writer, a reader, and its need in `formats.py`.
"""
