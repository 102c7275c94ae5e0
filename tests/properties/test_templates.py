"""Expressions are found where an independent reading finds them, and resolve to what that reading says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import BadInput
from assay.engine.pipeline import spec
from assay.engine.pipeline.context import Context, Origin
from assay.engine.pipeline.expressions import Parsing, is_path, references, steps, written
from assay.engine.pipeline.resolver import Budget, Resolver
from assay.engine.pipeline.source import Source

PIECES = st.sampled_from(["$", "{", "}", "${", "\\", "\\${", "a", "b.c", "[0]", "[", "]", ".", " ", "\n", "${a}", "é"])
TEXTS = st.lists(PIECES, max_size=12).map("".join)
FOUND = re.compile(r"(?<!\\)\$\{(.*?)\}")

NAMES = st.sampled_from(["a", "b", "c d", "k-1", "é"])
SIMPLE = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text("ab $'\"\\{}", max_size=4))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=1500)
@given(TEXTS)
def test_expressions_are_found_where_a_plain_pattern_finds_them(text: str) -> None:
    found = [(reference.start, reference.end, reference.inner) for reference in references(text)]
    assert found == [(at.start(), at.end(), at[1]) for at in FOUND.finditer(text)]


def parsed(inner: str) -> list[str] | None:
    """The steps of a path, read one character after the other; None when it is none."""
    words, at = [], 0

    def word() -> bool:
        nonlocal at
        start = at
        while at < len(inner) and inner[at] not in ".[]":
            at += 1
        words.append(inner[start:at].strip())
        return at > start

    if not word():
        return None
    while at < len(inner):
        if inner[at] == ".":
            at += 1
            if not word():
                return None
        elif inner[at] == "[":
            at += 1
            if not word() or inner[at : at + 1] != "]":
                return None
            at += 1
            while inner[at : at + 1] in (" ", "\t", "\r"):
                at += 1
        else:
            return None
    return words


@settings(max_examples=1500)
@given(st.text("ab.[] 0\t", max_size=10))
def test_a_path_is_what_can_be_read_step_by_step(inner: str) -> None:
    wanted = parsed(inner)
    assert is_path(inner) == (wanted is not None)
    if wanted is not None:
        assert steps(inner) == wanted


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every value with the path to it, as a template writes it."""
    found = [(path, value)] if path else []
    if isinstance(value, Mapping):
        for key, item in value.items():
            found += leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            found += leaves(item, f"{path}[{at}]")
    return found


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


@settings(max_examples=300)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), st.data())
def test_every_value_is_found_with_its_type_and_its_text(data: dict[str, Any], draw: st.DataObject) -> None:
    path, value = draw.draw(st.sampled_from(leaves(data)))
    context = Context().merged(data, Origin("p", "p"))
    resolver = Resolver(Source("dvc.yaml", ""), context, Parsing(), Budget())
    assert same(resolver.data(f"${{{path}}}", ()), value)
    before, after = draw.draw(st.tuples(st.text("xy $", max_size=3), st.text("xy }", max_size=3)))
    if isinstance(value, (list, Mapping)):
        return
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    whole = before.rstrip("$") + " " + text + after
    assert resolver.data(f"{before.rstrip('$')} ${{{path}}}{after}", ()) == whole.replace("\\${", "${")


@settings(max_examples=200)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=4))
def test_merging_takes_everything_or_says_what_is_there_twice(parts: list[dict[str, Any]]) -> None:
    context = Context()
    defined: dict[tuple[str, ...], Any] = {}
    for at, part in enumerate(parts):
        fresh = dict(places(part))
        clash = any(_clashes(place, value, defined) for place, value in fresh.items())
        try:
            context = context.merged(part, Origin(f"vars[{at}]"))
        except ValueError:
            assert clash
            return
        assert not clash
        defined |= fresh
    for place, value in defined.items():
        found = context.find(place)
        assert found is not None
        assert isinstance(value, Mapping) or same(found.value, value)


def places(data: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Every value in nested maps, with the way to it."""
    found = []
    for key, value in data.items():
        found.append(((*above, key), value))
        if isinstance(value, Mapping):
            found += places(value, (*above, key))
    return found


def _clashes(place: tuple[str, ...], value: Any, defined: Mapping[tuple[str, ...], Any]) -> bool:
    return place in defined and not (isinstance(defined[place], Mapping) and isinstance(value, Mapping))


WORDS = st.one_of(st.booleans(), st.integers(-9, 9), st.text("ab '\"\\$*", max_size=5))


@settings(max_examples=200)
@given(st.dictionaries(NAMES.map(lambda name: name.replace(" ", "")), st.one_of(WORDS, st.lists(WORDS, max_size=3))))
def test_a_shell_reads_options_back_as_the_values_they_stand_for(options: dict[str, Any]) -> None:
    wanted: list[str] = []
    for key, value in options.items():
        if isinstance(value, bool):
            wanted += [f"--{key}"] if value else []
        elif isinstance(value, list):
            wanted += [f"--{key}", *map(str, value)] if value else []
        else:
            wanted += [f"--{key}", str(value)]
    assert shlex.split(written(options)) == wanted


ANY_YAML = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(0, 3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["stages", "vars", "s", "cmd", "foreach", "do", "matrix", "deps", "outs", "params", "metrics", "plots",
                 "wdir", "desc", "meta", "artifacts", "path", "${a}", "cache"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300)
@given(ANY_YAML, ANY_YAML)
def test_whatever_a_file_holds_it_is_a_pipeline_or_one_sentence(stage: Any, top: Any) -> None:
    whole = {**(top if isinstance(top, dict) else {}), "stages": {"s": stage}}
    with suppress(BadInput):
        assert spec.parse(json.dumps(whole), "dvc.yaml").path == "dvc.yaml"
