"""Buckets: a store of its own, with its own wire, since it carries most of what is shared."""
