"""Many small waits at the same time, a bounded number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from assay.engine.errors import AssayError

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    work: Callable[[Item], Result], items: Iterable[Item], jobs: int
) -> Iterator[tuple[Item, Result | AssayError]]:
    """Does ``work`` for every item in up to ``jobs`` threads, and yields items as they finish.

    An AssayError is the result of its item and disturbs no other; any other exception ends everything. Items are
    taken only as threads get free, so they may be produced as they are needed.
    """
    source = iter(items)
    flying: dict[Future[Result], Item] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                for item in islice(source, jobs - len(flying)):
                    flying[pool.submit(work, item)] = item
                if not flying:
                    return
                for done in wait(flying, return_when=FIRST_COMPLETED).done:
                    item = flying.pop(done)
                    try:
                        result: Result | AssayError = done.result()
                    except AssayError as error:
                        result = error
                    yield item, result
        finally:
            for future in flying:
                future.cancel()
