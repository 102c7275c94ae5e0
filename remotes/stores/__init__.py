"""Stores: bytes by key, in memory, in folders and behind fsspec; what makes one patient; what one can do."""
