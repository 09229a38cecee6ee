"""Commands of Softshards."""
