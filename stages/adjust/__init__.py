"""Try settings of a student until one reaches the target, all from one table."""
