"""An experiment from its run file to its report, and what is said of one that is there.

Imports every room. To add a command's work: a function here; its words are in `run_pipeline.py`.
"""
