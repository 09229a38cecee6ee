"""Stage 2: train students from the soft-label table. The teacher is never loaded here."""
