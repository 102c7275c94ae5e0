"""The stages that ``foreach`` and ``matrix`` stand for: a name and an item for each.

Names are DVC's to the letter, since lock files are keyed by them: a value that the dvc.yaml writes itself is named as
it would be inside a text (``true``), one that comes from the context as Python writes it (``True``). Of items with
the same name the last one counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from assay.engine.pipeline.checked import in_words
from assay.engine.pipeline.context import Found, plain_keys
from assay.engine.pipeline.expressions import written
from assay.engine.pipeline.resolver import Resolver
from assay.engine.pipeline.source import Keys
from assay.engine.pipeline.stage import JOIN

MAX_STAGES = 20_000
"""How many stages one ``foreach`` or ``matrix`` may stand for."""

Items = dict[str, dict[str, Any]]
"""By the key of each stage, what its templates may use beside the context."""


def of_foreach(data: Any, resolver: Resolver, keys: Keys) -> Items:
    """What a ``foreach`` gives: a list's items, or a map's values with their keys.

    Args:
        data: What stands after ``foreach``.
        resolver: Resolves it.
        keys: Where it stands.

    Raises:
        BadInput: It is no list and no map, or an item cannot name a stage.
    """
    found = resolver.data(data, keys, keep_found=True)
    values = found.value if isinstance(found, Found) else found
    if not isinstance(values, (list, Mapping)):
        raise resolver.fail(keys, f"should be a list or a map, not {in_words(values)}")
    _check_count(len(values), resolver, keys)
    below = resolver.context.items(found) if isinstance(found, Found) else None
    if isinstance(values, Mapping):
        names = [key for key, _ in plain_keys(values)] if below is not None else list(values)
        pairs = zip(names, below if below is not None else values.values(), strict=True)
        return _checked({written(key): {"item": item, "key": written(key)} for key, item in pairs}, resolver, keys)
    listed: Sequence[Any] = below if below is not None else values
    if any(_is_composite(item) for item in listed):
        return {str(at): {"item": item} for at, item in enumerate(listed)}
    return _checked({_name(item): {"item": item} for item in listed}, resolver, keys)


def of_matrix(data: Any, resolver: Resolver, keys: Keys) -> Items:
    """What a ``matrix`` gives: every combination of its axes' values, the first axis slowest.

    Raises:
        BadInput: An axis has no values to choose from, there is none, or there are too many combinations.
    """
    axes = {}
    if not isinstance(data, Mapping):
        raise resolver.fail(keys, f"should be a map of axes to values, not {in_words(data)}")
    if not data:
        raise resolver.fail(keys, "names no axis")
    for name, values in resolver.data(data, keys, keep_found=True).items():
        axes[str(name)] = _axis(values, resolver, (*keys, str(name)))
    _check_count(math.prod(map(len, axes.values())), resolver, keys)
    items: Items = {}
    for chosen in product(*(enumerate(values) for values in axes.values())):
        pairs = list(zip(axes, chosen, strict=True))
        key = "-".join(f"{axis}{at}" if _is_composite(value) else _name(value) for axis, (at, value) in pairs)
        items[key] = {"key": key, "item": {axis: value for axis, (_, value) in pairs}}
    return _checked(items, resolver, keys)


def _axis(values: Any, resolver: Resolver, keys: Keys) -> Sequence[Any]:
    """The values of an axis; a map stands for its keys and a text for its characters, as in DVC."""
    inside = values.value if isinstance(values, Found) else values
    if isinstance(inside, Mapping) and isinstance(values, Found):
        return [key for key, _ in plain_keys(inside)]
    if isinstance(inside, list):
        return resolver.context.items(values) if isinstance(values, Found) else inside
    if isinstance(values, str):
        return list(values)
    raise resolver.fail(keys, f"should be a list of values, not {in_words(inside)}")


def _is_composite(value: Any) -> bool:
    return isinstance(value.value if isinstance(value, Found) else value, (list, Mapping))


def _name(value: Any) -> str:
    return str(value.value) if isinstance(value, Found) else written(value)


def _check_count(count: int, resolver: Resolver, keys: Keys) -> None:
    if count > MAX_STAGES:
        raise resolver.fail(keys, f"stands for {count:,} stages; at most {MAX_STAGES:,} are made")


def _checked(items: Items, resolver: Resolver, keys: Keys) -> Items:
    for key in items:
        if not key or JOIN in key:
            raise resolver.fail(keys, f"the item {key!r} cannot name a stage", f"Use text without {JOIN}.")
    return items
