"""The soft-label table: its log, its shards, their columns, what lies beside them.

Imports `machine`, `rows` and `inputs`. To add: a reader; it opens files by `shard.py` alone.
"""
