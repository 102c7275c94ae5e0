"""The version, where every storey may read it without importing the front door."""

__version__ = "0.1.0"
