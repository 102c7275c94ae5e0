"""Work in several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from assay.engine.errors import AssayError, RemoteError
from assay.remotes.budget import Budget
from assay.remotes.parallel import each


def test_every_item_gets_its_result() -> None:
    assert dict(each(lambda number: number * 2, range(50), 4)) == {number: number * 2 for number in range(50)}


def test_nothing_to_do_is_done() -> None:
    assert list(each(str, [], 4)) == []


def test_an_error_is_the_result_of_its_item_only() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise RemoteError("three")
        return number

    results = dict(each(work, range(6), 2))
    assert isinstance(results.pop(3), AssayError)
    assert results == {number: number for number in (0, 1, 2, 4, 5)}


def test_any_other_exception_ends_everything() -> None:
    with pytest.raises(ZeroDivisionError):
        list(each(lambda number: 1 // number, [1, 0, 2], 1))


def test_items_are_taken_only_as_threads_get_free() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    results = each(lambda number: number, items(), 3)
    next(results)
    assert taken <= 6
    results.close()  # type: ignore[attr-defined]


def test_no_more_run_at_once_than_jobs() -> None:
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work(number: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(60)
        with lock:
            running -= 1

    list(each(work, range(10), 2))
    assert most == 2


def test_a_budget_is_never_exceeded() -> None:
    budget, held, most, lock = Budget(10), 0, 0, threading.Lock()

    def work(amount: int) -> None:
        nonlocal held, most
        with budget.holding(amount):
            with lock:
                held += amount
                most = max(most, held)
            with lock:
                held -= amount

    list(each(work, [3, 4, 5, 6, 7] * 40, 8))
    assert most <= 10


def test_a_wish_larger_than_the_budget_is_granted_alone() -> None:
    budget = Budget(10)
    with budget.holding(100):
        pass
