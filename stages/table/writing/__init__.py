"""How a version is made: shards staged, quarantine, one commit; and how old ones are removed.

Imports `table`. To add: what is written before or at a commit; nothing is visible until it.
"""
