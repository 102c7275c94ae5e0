"""Measurements of whole commands, beside DVC's on the same repositories; README.md says how to run them."""
