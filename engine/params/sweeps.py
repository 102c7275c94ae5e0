"""Several values for one parameter, as the ``-S`` grammar writes them: choices, ranges, intervals, globs.

A run takes one value; a sweep is for the queue. `choices` lists the values of one that has a list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

MAX_CHOICES = 100_000

Shuffle = Callable[[list[Any]], None]
"""Brings a list into a random order in place, as `random.Random.shuffle` does."""


class Choice(NamedTuple):
    """``1,2,3`` (simple) or ``choice(1,2,3)``."""

    values: tuple[Any, ...]
    simple: bool = False
    shuffled: bool = False
    tags: frozenset[str] = frozenset()


class Range(NamedTuple):
    """``range(start, stop, step)``; the stop is not one of the values."""

    start: float
    stop: float
    step: float = 1
    shuffled: bool = False
    tags: frozenset[str] = frozenset()


class Interval(NamedTuple):
    """``interval(start, end)``: every number between, so there is no list of them."""

    start: float
    end: float
    tags: frozenset[str] = frozenset()


class Glob(NamedTuple):
    """``glob(*)``: the options of a configuration group, which a parameter does not have."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()


Sweep = Choice | Range | Interval | Glob
"""Any of them. ``tags`` are words for whoever searches the space, as in ``tag(log, interval(1, 10))``."""


def choices(sweep: Sweep, shuffle: Shuffle) -> list[Any]:
    """The values of a choice or a range, in the order in which they are to be tried.

    Raises:
        ValueError: The sweep has no list of values, or far too long a one.
    """
    if not isinstance(sweep, (Choice, Range)):
        raise ValueError(f"{type(sweep).__name__.lower()}() has no list of values; use choice() or range()")
    values = list(sweep.values) if isinstance(sweep, Choice) else list(_steps(sweep))
    if sweep.shuffled:
        shuffle(values)
    return values


def _steps(sweep: Range) -> Iterator[float]:
    if not sweep.step:
        raise ValueError("the step of range() is 0")
    if isinstance(sweep.start, int) and isinstance(sweep.stop, int) and isinstance(sweep.step, int):
        whole = range(sweep.start, sweep.stop, sweep.step)
        _check_count(len(whole))
        yield from whole
        return
    # Binary floats are added up exactly and rounded once, so that no step is lost to rounding.
    number, stop, step = Decimal(sweep.start), Decimal(sweep.stop), Decimal(sweep.step)
    if not (number.is_finite() and stop.is_finite() and step.is_finite()):
        raise ValueError("range() takes finite numbers")
    _check_count((stop - number) / step)
    while (number < stop) if step > 0 else (number > stop):
        yield float(number)
        number += step


def _check_count(count: float | Decimal) -> None:
    if count > MAX_CHOICES:
        raise ValueError(f"range() gives more than {MAX_CHOICES:,} values")
