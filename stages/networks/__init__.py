"""What is true of any Keras model: layers, weights, checkpoints, the kept epoch, precision.

Imports `machine` and `inputs`. To add: what teachers and students both need of a model.
"""
