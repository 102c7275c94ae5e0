"""A bound on something that many threads use: bytes in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """An amount that is shared.

    Args:
        limit: How much there is. A larger wish is granted when nobody else holds anything.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def holding(self, amount: int) -> Iterator[None]:
        """Waits until so much is free, and holds it for the length of the block."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + amount <= self._limit)
            self._used += amount
        try:
            yield
        finally:
            with self._changed:
                self._used -= amount
                self._changed.notify_all()
