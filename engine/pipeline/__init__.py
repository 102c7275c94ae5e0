"""Stages: what dvc.yaml asks for, what dvc.lock remembers, and running what has changed."""
