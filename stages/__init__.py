"""The stages: teach, label, train, evaluate, and the table in which label and train meet."""
