"""Students as they are served: exported, loaded again in a clean process, and compared."""
