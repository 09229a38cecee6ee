"""What a student begins with: vocabulary, word embeddings, layers of a pretrained encoder.

Imports `teachers.folder`, `networks`. To add: a start, chosen in `building.py`.
"""
