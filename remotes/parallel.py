"""Many small waits at the same time, a bounded number of them.

The threads are daemons, so that a person who presses Ctrl-C does not wait for a server that has stopped answering.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

from assay.engine.errors import AssayError

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int,
    drop: Callable[[Result], object] = lambda _: None,
) -> Iterator[tuple[Item, Result | AssayError]]:
    """Does ``work`` for every item in up to ``jobs`` threads, and yields items as they finish.

    An AssayError is the result of its item and disturbs no other; any other exception ends everything, after what is
    under way has ended too. Items are taken only as threads get free, so they may be produced as they are needed.

    Args:
        work: Called in a thread of its own.
        items: What to do.
        jobs: How many at once.
        drop: Called with results that nobody will take, because of an exception.
    """
    crew = _Crew(work)
    source = iter(items)
    try:
        while True:
            while crew.flying < jobs:
                try:
                    item = next(source)
                except StopIteration:
                    break
                crew.start(item)
            if not crew.flying:
                break
            item, result, error = crew.next()
            if error is not None and not isinstance(error, AssayError):
                raise error
            yield item, error if result is None else result[0]  # type: ignore[misc]  # one of them is there
    except (KeyboardInterrupt, SystemExit):
        crew.leave()
        raise
    except BaseException:
        while crew.flying:
            _, result, _ = crew.next()
            if result is not None:
                drop(result[0])
        crew.leave()
        raise
    crew.leave()


class _Crew(Generic[Item, Result]):
    """Threads that take items and give results; as many as there ever were items at the same time."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self.flying = 0
        self._work = work
        self._threads = 0
        self._items: SimpleQueue[tuple[Item] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[Item, tuple[Result] | None, BaseException | None]] = SimpleQueue()

    def start(self, item: Item) -> None:
        """Hands an item to a thread."""
        self.flying += 1
        if self._threads < self.flying:
            self._threads += 1
            threading.Thread(target=self._run, daemon=True).start()
        self._items.put((item,))

    def next(self) -> tuple[Item, tuple[Result] | None, BaseException | None]:
        """Waits for an item to be finished: the item, and its result or its error."""
        done = self._results.get()
        self.flying -= 1
        return done

    def leave(self) -> None:
        """Sends the threads home once they have finished what they do."""
        for _ in range(self._threads):
            self._items.put(None)

    def _run(self) -> None:
        while (task := self._items.get()) is not None:
            try:
                self._results.put((task[0], (self._work(task[0]),), None))
            except BaseException as error:  # noqa: BLE001  # raised again where the results are taken
                self._results.put((task[0], None, error))
