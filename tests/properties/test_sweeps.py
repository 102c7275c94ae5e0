"""Sweeps in the -S grammar, judged by Hydra's own parser: which there are, their values, in their order.

Left out are two things that mean here what they say: json_str(), which Hydra 1.3 has not, and sorting lists, which it
refuses.
"""

from __future__ import annotations

import importlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import UsageError
from assay.engine.experiments.sweep import combinations
from assay.engine.params.keys import same
from assay.engine.params.overrides import parse_sweep
from assay.engine.params.sweeps import Choice, Range, choices

if importlib.util.find_spec("hydra") is None:
    pytest.skip("needs hydra-core", allow_module_level=True)

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

HYDRA = OverridesParser.create()

whole = st.integers(-9, 9).map(str)
number = whole | st.sampled_from(["0.5", "-1.25", "1e-3", "2.", ".1", "1_0"])
plain = number | st.sampled_from(
    ["a", "b c", "'x, y'", '"q"', "true", "FALSE", "null", "a/b", "nan", "inf", "0x1", r"\,"]
)
element = plain | st.lists(plain, max_size=2).map(lambda items: f"[{','.join(items)}]") | plain.map("{{k:{}}}".format)
comma = st.sampled_from([",", ", ", " , "])


def joined(items: st.SearchStrategy[str], least: int, most: int = 4) -> st.SearchStrategy[str]:
    return st.tuples(st.lists(items, min_size=least, max_size=most), comma).map(lambda pair: pair[1].join(pair[0]))


simple = joined(element, 2)
choice = joined(element, 1).map("choice({})".format)
ranges = st.one_of(
    number.map("range({})".format),
    joined(number, 2, 3).map("range({})".format),
    st.tuples(whole, number).map(lambda pair: f"range(stop={pair[0]},step={pair[1]})"),
    st.tuples(whole, whole).map(lambda pair: f"range(start={pair[0]}, stop={pair[1]})"),
)
base = choice | ranges
scalars = joined(plain, 2) | joined(plain, 1).map("choice({})".format) | ranges
casts = st.sampled_from(["int", "float", "str", "bool"])
sweeps = st.one_of(
    simple,
    base,
    scalars.map("sort({})".format),
    scalars.map("sort({},reverse=true)".format),
    base.map("shuffle({})".format),
    simple.map("shuffle({})".format),
    base.map("tag(t, {})".format),
    base.map("tag(t, u, sweep={})".format),
    st.tuples(casts, base | simple).map("{0[0]}({0[1]})".format),
    ranges.map("sort(tag(t,{}))".format),
    choice.map("choice({})".format),
)


def in_order(values: list[Any]) -> None:
    """A shuffle that does not."""


def by_hydra(text: str) -> list[Any] | str:
    """The values of a sweep; "no" where Hydra refuses it, "one" where it is no sweep."""
    state = random.getstate()
    try:
        (override,) = HYDRA.parse_overrides([text])
        if not override.is_sweep_override():
            return "one"
        override._value.shuffle = False
        return [override._convert_value(value) for value in override.sweep_iterator()]
    except (HydraException, ValueError, TypeError, AttributeError, ArithmeticError):
        return "no"
    finally:
        random.setstate(state)


def by_assay(text: str) -> list[Any] | str:
    try:
        value = parse_sweep(text, in_order).value
        return choices(value._replace(shuffled=False), in_order) if isinstance(value, (Choice, Range)) else "one"
    except UsageError:
        return "no"


@settings(max_examples=80)
@given(sweeps)
def test_a_sweep_has_the_values_that_it_has_for_hydra(text: str) -> None:
    ours, theirs = by_assay(f"a={text}"), by_hydra(f"a={text}")
    assert type(ours) is type(theirs), (ours, theirs)
    assert same(ours, theirs), (ours, theirs)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(["a", "b.c", "+d", "g/h", "g@p"]), simple | whole), min_size=1, max_size=4))
def test_runs_come_in_the_order_of_hydras_own_sweeper(pairs: list[tuple[str, str]]) -> None:
    words = [f"{key}={value}" for key, value in pairs]
    (theirs,) = BasicSweeper.split_arguments(HYDRA.parse_overrides(words), None)
    ours = combinations([parse_sweep(word, in_order) for word in words], in_order)
    if not any("," in value for _, value in pairs):  # one run, whose words are all kept
        assert [[override.text for override in run] for run in ours] == [words]
        return
    assert [[(o.kind, o.key, o.package, repr(o.value)) for o in run] for run in ours] == [
        [(o.kind, o.key, o.package, repr(o.value)) for o in map(parse_sweep, run)] for run in theirs
    ]
