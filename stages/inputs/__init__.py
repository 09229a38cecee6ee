"""What a model is given: features as text, words cut, wordpieces in the graph, vocabularies.

Imports `machine` and `rows`. To add: what turns a feature of the corpus into a model's tensors.
"""
