"""What the words after push, pull and fetch mean: data or experiments. A path or stage wins over an experiment."""

from __future__ import annotations

from collections.abc import Sequence

from assay.engine.data.items import selected
from assay.engine.errors import AssayError, UsageError
from assay.engine.pipeline import spec
from assay.engine.project import Project


def split(project: Project, words: Sequence[str], folder: str) -> tuple[list[str], list[str]]:
    """The words that mean tracked data, and the others.

    Args:
        project: The project.
        words: As typed.
        folder: The project path that paths are relative to.
    """
    if not words:
        return [], []
    try:
        pipeline = spec.load(project)
    except AssayError:  # experiments can be shared although the workspace's pipeline is broken
        return [], list(words)
    data, others = [], []
    for word in words:
        try:
            selected(project, pipeline, [word], folder=folder)
            data.append(word)
        except UsageError:
            others.append(word)
    return data, others
