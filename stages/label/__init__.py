"""Stage 1: run a teacher over a corpus and write the soft-label table, with Apache Beam."""
