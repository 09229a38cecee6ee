"""What is written down: contracts shared by every stage.

No I/O, no Beam, no TensorFlow, no click.
"""
