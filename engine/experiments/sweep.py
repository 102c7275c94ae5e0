"""A sweep: overrides that ask for several values, as the list of runs that they mean.

Every value of one is combined with every value of the others, the first one given changing slowest, over all files, as
DVC does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from assay.engine.errors import UsageError
from assay.engine.model import Override
from assay.engine.params.overrides import in_any_order, literal
from assay.engine.params.sweeps import Shuffle, Sweep, choices

MANY = 100_000
"""More runs than this are refused: that is a mistake in a range, not a plan."""


def is_sweep(overrides: Sequence[Override]) -> bool:
    """Whether any of them asks for several values."""
    return any(isinstance(override.value, Sweep) for override in overrides)


def combinations(overrides: Sequence[Override], shuffle: Shuffle = in_any_order) -> list[tuple[Override, ...]]:
    """The runs that overrides mean, each with plain values.

    Args:
        overrides: As `params.overrides.parse_sweep` gave them.
        shuffle: The source of chance for ``shuffle(...)``.

    Raises:
        UsageError: One of them has no list of values, or there are far too many runs.
    """
    options = [_options(override, shuffle) for override in overrides]
    count = 1
    for some in options:
        count *= len(some)
        if count > MANY:
            raise UsageError(f"These overrides mean more than {MANY:,} runs.", "Take fewer values of each.")
    return list(product(*options))


def _options(override: Override, shuffle: Shuffle) -> list[Override]:
    if not isinstance(override.value, Sweep):
        return [override]
    head = override.text.partition("=")[0]
    try:
        values = choices(override.value, shuffle)
    except ValueError as error:
        raise UsageError(f"-S {override.text!r} cannot be a sweep: {error}.") from error
    return [override._replace(value=value, text=f"{head}={literal(value)}") for value in values]
