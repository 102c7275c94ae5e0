"""A workspace with a cache for every test of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import LARGE, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A fresh workspace, cache and stat cache."""
    made = Bench.below(tmp_path)
    yield made
    made.cache.close()
    made.stat_cache.close()


@pytest.fixture
def large() -> bytes:
    """Content that becomes an object of its own."""
    return LARGE
