"""Fixtures of the tests in which something fails."""

from __future__ import annotations

import pytest

from assay.engine.ports import RemoteStore
from assay.remotes import layouts
from assay.remotes.registry import Remote
from tests.faults.remotes import Through


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Through:
    """From now on every remote is this store."""

    def use(store: RemoteStore) -> None:
        def open_store(_: Remote, journal: str = "") -> RemoteStore:
            return store

        monkeypatch.setattr(layouts, "open_store", open_store)

    return use
