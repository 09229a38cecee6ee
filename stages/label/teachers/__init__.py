"""Teachers by kind: one module each."""
