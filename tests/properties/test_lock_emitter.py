"""The lock emitter and ruamel.yaml's round-trip dumper write the same bytes for the same data."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.engine.params import documents as parameters
from assay.engine.pipeline.changes import same
from assay.engine.pipeline.lockyaml import emit

ruamel_yaml = pytest.importorskip("ruamel.yaml")


def judged(data: Any) -> str:
    """What ruamel.yaml writes, set up as DVC sets it up."""
    yaml = ruamel_yaml.YAML()
    yaml.default_flow_style = False
    buffer = io.StringIO()
    yaml.dump(data, buffer)
    return buffer.getvalue()


NASTY = [
    "", " ", "a b", " a", "a ", "true", "True", "yes", "no", "on", "null", "~", "Null", "<<", "=", "-", "?", ":",
    "- a", "? a", ": a", "a: b", "a:b", "a #b", "a#b", "#a", "'", '"', "it's", 'say "x"', "'\"", "a\nb", "a\n",
    "\na", "a \nb", "a\n b", "\n", "\t", "a\tb", "\r", "a\r\nb", "\x00", "\x07", "\x1b", "\x7f", "\x85", "a\x85b",
    "\xa0", "\u2028", "a\u2028b", "a\u2029 b", "\ufeff", "\ufffe", "é", "日本", "😀", "\ud800", "0", "007", "0o17",
    "0x1F", "0b1", "1_000", "_", "_1", "+_", "+1", "-1", "1.", "1.5", ".5", "+.5e+1", ".5e1", "1e5", "1e-5", "1E+5",
    "1.e5", ".inf", "-.inf", "+.INF", ".nan", "-.nan", ".", "..", "...", "....", "---", "--- a", "----", "-a",
    "2.0", "1.2.3", "2020-01-01", "2020-1-1", "2020-01-01 10:00:00", "2020-01-01T10:00:00Z",
    "2020-1-1 1:00:00.5 +1:00", "12:30", "@a", "`a", "%a", "!a", "&a", "*a", "|", ">", "{a}", "[a]", "a, b", "a]",
    "a}", ",", "\\", "a\\b", "C:\\x", "python train.py --lr 0.1 && echo \"done\" | tee 'log file.txt'", "x" * 79,
    "x" * 80, "x" * 130, "x " * 60, "x  " * 40, "'" + "x y " * 40, "\n" + "word " * 40, ("w" * 30 + " ") * 5,
    "é " * 60, "a\n" * 50, "\t" * 90, '"' * 90, "'" * 90, "a'b c" * 30, ("a\"b c" * 30) + "\n",
    "a " + "\x85" * 3 + "b" + " c" * 60,
]  # fmt: skip

pieces = st.sampled_from(
    ["a", "word", " ", "  ", "'", '"', "\n", "\t", "\\", "é", "\x85", "\u2028", "#", ":", "-", "x" * 30, "0", "."]
)
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=30),
    st.lists(pieces, max_size=60).map("".join),
    st.lists(st.text("abc-=/.$\"'", min_size=1, max_size=25), min_size=8, max_size=40).map(" ".join),
    st.text("0123456789+-._eExob:TZ ", max_size=12),
)
leaves = st.one_of(texts, texts, st.none(), st.booleans(), st.integers(), st.floats(), st.datetimes(), st.dates())
words = st.text("abcdef", min_size=1, max_size=8)
keys = st.one_of(texts, words, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
documents = st.dictionaries(keys, values, min_size=1, max_size=5)


@settings(max_examples=300)
@given(documents)
def test_emits_what_ruamel_emits(data: dict[Any, Any]) -> None:
    assert emit(data) == judged(data)


def shared(data: dict[Any, Any], places: list[int]) -> dict[Any, Any]:
    """The same data with more keys and items whose values are containers that it has already."""
    containers: list[Any] = []

    def walk(value: Any) -> None:
        if isinstance(value, (dict, list)):
            containers.append(value)
            for inner in list(value.values() if isinstance(value, dict) else value):
                walk(inner)

    for value in data.values():
        walk(value)
    for at, place in enumerate(places if containers else ()):
        chosen = containers[place % len(containers)]
        data[f"again{at}" * (1 + place % 7 * (place % 13))] = [[chosen], chosen][place % 2]
    return data


@settings(max_examples=300)
@given(documents, st.lists(st.integers(0, 200), max_size=6))
def test_what_is_met_twice_becomes_an_alias_as_with_ruamel(data: dict[Any, Any], places: list[int]) -> None:
    data = shared(data, places)
    assert emit(data) == judged(data)


@settings(max_examples=300)
@given(texts, st.integers(0, 30))
def test_folds_text_where_ruamel_folds_it_at_every_depth(text: str, depth: int) -> None:
    data: Any = {"k": text, "s": [text], text: text}
    for _ in range(depth):
        data = {"nested": data}
    assert emit(data) == judged(data)


readable = documents.filter(lambda data: not re.search(r"[\x85\u2028\u2029\ufeff]|\\uD[89A-F]", emit(data)))


@settings(max_examples=200)
@given(readable)
def test_our_own_reader_gets_back_what_ruamels_gets(data: dict[Any, Any]) -> None:
    text = emit({"stages": {key: value for key, value in data.items() if isinstance(key, str)}})
    try:
        theirs = ruamel_yaml.YAML(typ="safe", pure=True).load(text)
    except ruamel_yaml.YAMLError:  # a folded key
        return
    assert same(parameters.parse("dvc.lock", text), theirs)


@pytest.mark.parametrize("text", NASTY)
def test_each_nasty_text_as_value_item_and_key(text: str) -> None:
    once = ({"k": text}, {text: 1}, {text: [text]})
    shapes = (*once, {"k": [text, [text]]}, {text: {text: text}}, {"a": [{text: text}]})
    for data in shapes:
        assert emit(data) == judged(data), data


@example({"schema": "2.0", "stages": {}})
@given(st.just({"stages": {"a": {"cmd": ["x", ["y"]], "n": [[], {}, [[1], [{}]], None, [None]]}}}))
def test_empty_and_nested_containers(data: dict[str, Any]) -> None:
    assert emit(data) == judged(data)


def test_an_empty_mapping_is_two_braces() -> None:
    assert emit({}) == judged({})


def test_a_set_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no plain YAML form"):
        emit({"a": {1, 2}})


def test_deep_nesting_is_written() -> None:
    data: Any = {"leaf": "some words that go on " * 8}
    for _ in range(min(60, sys.getrecursionlimit() // 20)):
        data = {"d": [data]}
    assert emit(data) == judged(data)
