"""Queueing experiments and carrying them out: what turns jobs on the board into experiments."""
