"""A sweep: overrides that ask for several values, as the list of runs that they mean.

Every value of one is combined with every value of the others, the first one given changing slowest, those of one file
together, as DVC does it. Of two words for the same key the last one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from assay.engine.errors import UsageError
from assay.engine.model import Override
from assay.engine.params.locate import DEFAULT_FILE
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
    if not is_sweep(overrides):
        return [tuple(overrides)]
    options = [_options(override, shuffle) for override in _in_order(overrides)]
    count = 1
    for some in options:
        count *= len(some)
        if count > MANY:
            raise UsageError(f"These overrides mean more than {MANY:,} runs.", "Take fewer values of each.")
    return list(product(*options))


def _in_order(overrides: Sequence[Override]) -> list[Override]:
    """Each key's last word, where its first one stood; files in the order in which they are first named."""
    files: dict[str, dict[object, Override]] = {}
    for override in overrides:
        same = (override.kind, override.key, override.package)
        files.setdefault(override.file or DEFAULT_FILE, {})[same] = override
    return [override for of_one in files.values() for override in of_one.values()]


def _options(override: Override, shuffle: Shuffle) -> list[Override]:
    if not isinstance(override.value, Sweep):
        return [override]
    head = override.text.partition("=")[0]
    try:
        values = choices(override.value, shuffle)
    except ValueError as error:
        raise UsageError(f"-S {override.text!r} cannot be a sweep: {error}.") from error
    return [override._replace(value=value, text=f"{head}={literal(value)}") for value in values]
