"""Metrics: the numbers, texts and truths in the files that a pipeline calls metrics.

A file is JSON, YAML, TOML or Python by its name. Maps are kept as they are nested; lists and nulls are left out, and
so is a map that is empty after that, as in DVC. A file may be one value alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.engine.params import documents


def read(path: str, data: bytes) -> Any:
    """The metrics of one file: a value, or nested maps of values; None when there are none.

    Raises:
        BadInput: The file cannot be understood.
    """
    return leaves(documents.read(path, data))


def leaves(data: Any) -> Any:
    """What of a document counts as metrics; None when nothing does."""
    if isinstance(data, (int, float, str)):  # bool is an int
        return data
    if not isinstance(data, Mapping):
        return None
    found = {str(key): kept for key, value in data.items() if (kept := leaves(value)) is not None}
    return found or None
