"""Checking a remote byte by byte, and mending it from whoever has what it lacks."""
