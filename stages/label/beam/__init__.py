"""Stage 1 as a Beam graph, and the engines that run it; Beam is imported nowhere else.

Imports `asking`, `views`, `corpus`. To add a step of the graph: a PTransform in `transforms.py`.
"""
