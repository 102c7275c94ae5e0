"""Artifacts on a remote, in assay's own layout and in DVC's, on their way out and in."""
