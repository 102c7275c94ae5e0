"""The functions of the ``-S`` grammar: casts, sorting, and those that make sweeps.

Each takes the positional and the named arguments and returns a value or a sweep; what it cannot do it says with a
ValueError, whose text is a clause that names the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from assay.engine.params.sweeps import Choice, Glob, Interval, Range, Shuffle, Sweep

Named = dict[str, Any]
_Cast = Callable[[Any], Any]


def call(name: str, args: list[Any], named: Named, shuffle: Shuffle) -> Any:
    """What ``name(args, named)`` gives. Raises ValueError."""
    if name in _CASTS:
        return _cast(_CASTS[name], name, _argument(name, args, named, "value"))
    if name == "shuffle":
        return _shuffle(args, named, shuffle)
    function = _FUNCTIONS.get(name)
    if function is None:
        known = ", ".join(sorted([*_CASTS, *_FUNCTIONS, "shuffle"]))
        raise ValueError(f"there is no function {name}(); there are {known}, and quotes make it a string")
    return function(args, named)


def _argument(name: str, args: list[Any], named: Named, *keywords: str) -> Any:
    """The one argument of a function; several make a simple choice."""
    _check_names(name, named, *keywords)
    if len(named) + bool(args) != 1:
        raise ValueError(f"{name}() takes its argument either by position or by name")
    for keyword, value in named.items():
        if keyword != "value" and not isinstance(value, list if keyword == "list" else Sweep):
            raise ValueError(f"the argument {keyword} of {name}() is a {keyword}")
        return value
    if len(args) == 1:
        return args[0]
    if any(isinstance(arg, Sweep) for arg in args):
        raise ValueError(f"{name}() takes one sweep, or several plain values")
    return Choice(tuple(args), simple=True)


def _check_names(name: str, named: Named, *allowed: str) -> None:
    for keyword in named:
        if keyword not in allowed:
            raise ValueError(f"{name}() has no argument {keyword}")


def _cast(convert: _Cast, name: str, value: Any) -> Any:
    if isinstance(value, Choice):
        return value._replace(values=tuple(_cast(convert, name, item) for item in value.values))
    if isinstance(value, Range) and convert in (_int, _float):
        start, stop, step = (convert(number) for number in (value.start, value.stop, value.step))
        return value._replace(start=start, stop=stop, step=step)
    if isinstance(value, Interval) and convert in (_int, _float):
        return value._replace(start=convert(value.start), end=convert(value.end))
    if isinstance(value, Sweep):
        raise ValueError(f"{name}() does not apply to {type(value).__name__.lower()}()")
    if convert is not json.dumps:
        if isinstance(value, list):
            return [_cast(convert, name, item) for item in value]
        if isinstance(value, dict):
            return {key: _cast(convert, name, item) for key, item in value.items()}
        if value is None:
            raise ValueError(f"{name}() does not apply to null")
    try:
        return convert(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name}() cannot convert {value!r}") from error


def _int(value: Any) -> int:
    return int(value)


def _float(value: Any) -> float:
    return float(value)


def _str(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bool(value: Any) -> bool:
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in ("true", "false"):
        raise ValueError(value)
    return value.lower() == "true"


def _choice(args: list[Any], named: Named) -> Sweep:
    _check_names("choice", named)
    if len(args) == 1 and isinstance(args[0], Choice) and args[0].simple:
        return args[0]._replace(simple=False)
    if not args or any(arg is None or isinstance(arg, Sweep) for arg in args):
        raise ValueError("choice() takes one or more plain values")
    return Choice(tuple(args))


def _numbers(name: str, args: list[Any], named: Named, *keywords: str) -> list[Any]:
    """The arguments of a function of numbers in the order of its parameters; None for one not given."""
    _check_names(name, named, *keywords)
    values = dict(zip(keywords, args, strict=False))
    if len(args) > len(keywords) or values.keys() & named.keys():
        raise ValueError(f"{name}() takes {', '.join(keywords)}")
    values.update(named)
    if any(not isinstance(value, (int, float)) for value in values.values()):
        raise ValueError(f"{name}() takes numbers")
    return [values.get(keyword) for keyword in keywords]


def _range(args: list[Any], named: Named) -> Sweep:
    start, stop, step = _numbers("range", args, named, "start", "stop", "step")
    if start is None:
        raise ValueError("range() takes a stop, or a start and a stop")
    if stop is None:
        start, stop = 0, start
    return Range(start, stop, 1 if step is None else step)


def _interval(args: list[Any], named: Named) -> Sweep:
    start, end = _numbers("interval", args, named, "start", "end")
    if start is None or end is None:
        raise ValueError("interval() takes a start and an end")
    return Interval(float(start), float(end))


def _glob(args: list[Any], named: Named) -> Sweep:
    _check_names("glob", named, "include", "exclude")
    given = dict(zip(("include", "exclude"), args, strict=False)) | named
    patterns = {key: value if isinstance(value, list) else [value] for key, value in given.items()}
    texts = all(isinstance(one, str) for value in patterns.values() for one in value)
    if "include" not in patterns or len(args) > 2 or not texts:
        raise ValueError("glob() takes a pattern or a list of patterns, and what to exclude")
    return Glob(tuple(patterns["include"]), tuple(patterns.get("exclude", ())))


def _tag(args: list[Any], named: Named) -> Sweep:
    _check_names("tag", named, "sweep")
    *tags, sweep = [*args, *named.values()] or [None]
    if not isinstance(sweep, Sweep) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError("tag() takes words and then a choice(), range() or interval()")
    return sweep._replace(tags=frozenset(tags))


def _shuffle(args: list[Any], named: Named, shuffle: Shuffle) -> Any:
    value = _argument("shuffle", args, named, "list", "sweep")
    if isinstance(value, (Choice, Range)):
        return value._replace(shuffled=True)
    if isinstance(value, Sweep):
        raise ValueError(f"shuffle() does not apply to {type(value).__name__.lower()}()")
    result = list(value) if isinstance(value, list) else [value]
    shuffle(result)
    return result


def _sort(args: list[Any], named: Named) -> Any:
    named = dict(named)
    backwards = named.pop("reverse", False)
    if not isinstance(backwards, bool):
        raise ValueError("the argument reverse of sort() is true or false")
    value = _argument("sort", args, named, "list", "sweep")
    try:
        if isinstance(value, list):
            return sorted(value, reverse=backwards)
        if isinstance(value, Choice):
            return value._replace(values=tuple(sorted(value.values, reverse=backwards)))
    except TypeError as error:
        raise ValueError("sort() takes values of one kind") from error
    if isinstance(value, Range):
        return _turned(value) if (value.start < value.stop) is backwards and value.start != value.stop else value
    if value is None or isinstance(value, Sweep):
        raise ValueError("sort() takes a list, a choice(), a range() or plain values")
    return value


def _turned(sweep: Range) -> Range:
    """The range run through from its other end."""
    by = abs(sweep.step) if sweep.start > sweep.stop else -abs(sweep.step)
    return sweep._replace(start=sweep.stop + by, stop=sweep.start + by, step=-sweep.step)


_CASTS: dict[str, _Cast] = {"int": _int, "float": _float, "str": _str, "bool": _bool, "json_str": json.dumps}
_FUNCTIONS: dict[str, Callable[[list[Any], Named], Any]] = {
    "choice": _choice,
    "range": _range,
    "interval": _interval,
    "glob": _glob,
    "tag": _tag,
    "sort": _sort,
}
