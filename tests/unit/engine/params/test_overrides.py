"""The words after -S, judged by what Hydra's own parser makes of them.

hydra_overrides.json holds what the OverridesParser of hydra-core 1.3.8 gave for some hundred words: kind, key and
value with types, or null where it raised. Left out are words on which the two differ by intent: an empty key, a
package, several values to delete, sweeps inside lists, and tags and shuffling, which casts keep here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.engine.errors import UsageError
from assay.engine.params.overrides import literal, parse, parse_sweep
from assay.engine.params.sweeps import Choice, Interval, Range, choices
from assay.engine.params.values import parse_value

VECTORS: dict[str, list[Any] | None] = json.loads(Path(__file__).with_name("hydra_overrides.json").read_text())
KINDS = {"set": "CHANGE", "add": "ADD", "force": "FORCE_ADD", "delete": "DEL"}


def in_order(values: list[Any]) -> None:
    """A shuffle that does not."""


def encoded(value: Any) -> Any:
    """A value in the form of the vectors."""
    if isinstance(value, Choice):
        items = [encoded(item) for item in value.values]
        return {"$choice": items, "shuffle": value.shuffled, "simple": value.simple, "tags": sorted(value.tags)}
    if isinstance(value, Range):
        numbers = [repr(number) for number in choices(value, in_order)]
        return {"$range": numbers, "shuffle": value.shuffled, "tags": sorted(value.tags)}
    if isinstance(value, Interval):
        return {"$interval": [repr(value.start), repr(value.end)], "tags": sorted(value.tags)}
    if isinstance(value, list):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {"$map": [[encoded(key), encoded(item)] for key, item in value.items()]}
    return f"{type(value).__name__}:{value!r}"


def outcome(text: str) -> list[Any] | None:
    """What becomes of a word here, in the form of the vectors."""
    try:
        override = parse_sweep(text, in_order)
    except UsageError:
        return None
    key = ("/" if "/" in override.key[0] else ".").join(override.key)
    return [KINDS[override.kind], key, encoded(override.value) if override.has_value else None]


def test_a_word_means_what_it_means_to_hydra() -> None:
    vectors = {text: result for text, result in VECTORS.items() if "$interval" not in str(result)}
    assert {text: outcome(text) for text in vectors} == vectors


@pytest.mark.parametrize("text", [text for text, result in VECTORS.items() if "$interval" in str(result)])
def test_an_interval_is_read_but_has_no_list_of_values(text: str) -> None:
    result = VECTORS[text]
    assert result is not None
    assert encoded(parse_value(text, text.index("=") + 1, in_order)) == result[2]
    with pytest.raises(UsageError, match=r"interval\(\) has no list of values|what is deleted"):
        parse_sweep(text, in_order)


@pytest.mark.parametrize(
    ("text", "file", "kind", "key", "value"),
    [
        ("lr=0.1", None, "set", ("lr",), 0.1),
        ("p.json:+n=1", "p.json", "add", ("n",), 1),
        ("+p.json:n=1", "+p.json", "set", ("n",), 1),
        ("conf/p.toml:a.b=x:y", "conf/p.toml", "set", ("a", "b"), "x:y"),
        ("url=http://host:80/x", None, "set", ("url",), "http://host:80/x"),
        ("p.yaml:~a", "p.yaml", "delete", ("a",), None),
        ("layers.0=64", None, "set", ("layers", "0"), 64),
        ("a/b=1", None, "set", ("a/b",), 1),
        ("a=json_str({x: [1, y]})", None, "set", ("a",), '{"x": [1, "y"]}'),
    ],
)
def test_the_file_stands_before_the_first_colon_of_the_key(
    text: str, file: str | None, kind: str, key: tuple[str, ...], value: Any
) -> None:
    override = parse(text)
    assert (override.file, override.kind, override.key, override.value) == (file, kind, key, value)
    assert override.text == text


@pytest.mark.parametrize(
    ("text", "key", "package"),
    [
        ("db@source=x", "db", "source"),
        ("+group/db@a.b=x", "group/db", "a.b"),
        ("~db@", "db", ""),
        ("p.yaml:++db@_global_=x", "db", "_global_"),
    ],
)
def test_a_package_is_read(text: str, key: str, package: str) -> None:
    override = parse(text)
    assert (override.key, override.package) == ((key,), package)


def test_what_is_deleted_may_have_a_value_or_none() -> None:
    assert not parse("~a").has_value
    assert parse("~a=1").has_value


@pytest.mark.parametrize(
    ("text", "problem", "at"),
    [
        ("lr", "'=' and a value are missing", 2),
        ("=1", "a key is missing", 0),
        (":a=1", "the name of a file is missing before ':'", 0),
        ("a b=1", "'=' is missing after the key, where ' ' stands", 1),
        ("lst[0]=9", "an element of a list is addressed as KEY.0", 3),
        ("db@x y=1", "'=' is missing after the key, where ' ' stands", 4),
        ("a=[1,2", "a ',' or ']' is missing", 6),
        ("a={x 1}", "a ':' is missing after the key", 6),
        ("a={'x':1}", "a key is missing; it may not be quoted", 3),
        ("a=1)", "the value goes on where it should end; quote a text that has such characters", 3),
        ("a=b=c", "the value goes on where it should end; quote a text that has such characters", 3),
        ("a='b", "a quote is not closed", 2),
        ("a=größe", "'ö' has to stand in quotes", 4),
        ("a=int(x)", "int() cannot convert 'x'", 2),
        ("a=[choice(1,2)]", "a sweep may not stand inside a list or a map", 3),
        ("a=range(1,2,0)", "the step of range() is 0", 2),
        ("a=range(1,inf)", "range() takes finite numbers", 2),
        ("a=range(1000000000)", "range() gives more than 100,000 values", 2),
        ("a=glob(*)", "glob() has no list of values; use choice() or range()", 2),
        ("a=" + "9" * 5000, "the number is too long", 2),
        ("a=" + "[" * 20000, "it is nested too deeply", 2),
    ],
)
def test_an_error_names_the_problem_and_points_at_the_place(text: str, problem: str, at: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.message == f"-S {text!r} cannot be understood: {problem}."
    shown, caret = caught.value.hint.split("\n")
    assert shown == "  " + text
    assert caret == " " * (at + 2) + "^"


def test_an_unknown_function_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"there is no function log\(\); there are bool, choice, float"):
        parse("a=log(1)")


def test_a_sweep_is_refused_and_its_single_values_are_offered() -> None:
    with pytest.raises(UsageError) as caught:
        parse("p.yaml:lr=0.1,'a b',c,d")
    assert caught.value.message == "\"p.yaml:lr=0.1,'a b',c,d\" asks for several values, and a run takes one."
    assert caught.value.hint.startswith("Take one of them: -S p.yaml:lr=0.1, ")
    assert "-S p.yaml:lr=0.1, -S p.yaml:lr='a b', -S p.yaml:lr=c or one of 1 more" in caught.value.hint


def test_shuffling_uses_the_given_source_of_chance() -> None:
    assert parse("a=shuffle([1,2,3])", lambda values: values.reverse()).value == [3, 2, 1]
    shuffled = parse_sweep("a=shuffle(1,2,3)", in_order).value
    assert choices(shuffled, lambda values: values.reverse()) == [3, 2, 1]


def test_tags_and_shuffling_outlive_a_cast() -> None:
    value = parse_sweep("a=int(tag(log,shuffle(1.5,2)))", in_order).value
    assert value == Choice((1, 2), simple=True, shuffled=True, tags=frozenset({"log"}))


VALUES = [-2.5, 1e-5, True, None, "", "a b", "true", "nan", "007", "it's", "a\\", "x\\'", [1, ["a"]], {"a b": {"c": 0}}]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_can_be_written_in_the_grammar(value: Any) -> None:
    assert parse(f"a={literal(value)}").value == value
