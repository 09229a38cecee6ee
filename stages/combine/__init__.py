"""Several teachers as one: their tables joined by content into a new table."""
