"""What an expression is, and how values are written into texts and commands."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from assay.engine.pipeline.expressions import (
    NotWritable,
    Parsing,
    Reference,
    is_path,
    references,
    steps,
    unescaped,
    written,
)


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("", []),
        ("no $HOME {here}", []),
        ("${a}", ["a"]),
        ("x ${a.b} y ${ c[0] }", ["a.b", " c[0] "]),
        (r"\${a} ${b}", ["b"]),
        (r"\\${a}", []),
        ("$${a}", ["a"]),
        ("${}", [""]),
        ("${a", []),
        ("${a\n}", []),
        ("${a\n} ${b}", ["b"]),
        ("${a${b}", ["a${b"]),
        ("${a}}", ["a"]),
    ],
)
def test_expressions_are_found_where_no_backslash_stands_before_them(text: str, inner: list[str]) -> None:
    found = references(text)
    assert [reference.inner for reference in found] == inner
    assert all(text[at.start : at.end] == f"${{{at.inner}}}" for at in found)


def test_text_without_an_end_is_looked_through_once() -> None:
    assert references("${" * 200_000) == []
    assert len(references("${\n" * 100_000 + "${a}")) == 1


@pytest.mark.parametrize(
    "inner", ["a", "a.b", "a[0]", " a . b ", "a[b][c].d", "a[0] .b", "a[0]\t[1] ", "a b", "-1", "a.-1"]
)
def test_paths(inner: str) -> None:
    assert is_path(inner)


@pytest.mark.parametrize(
    "inner", ["", ".", ".a", "a.", "a..b", "a[", "a[]", "a[b", "a]", "[a]", "a[0]b", "a[b.c]", "a.[0]"]
)
def test_what_is_no_path(inner: str) -> None:
    assert not is_path(inner)


def test_a_path_that_nearly_matches_takes_no_longer() -> None:
    assert not is_path("a .a" * 5_000 + "]")
    assert not is_path("a[b] \t" * 5_000 + "!")


def test_the_steps_of_a_path_are_trimmed() -> None:
    assert steps(" a . b[ 0 ].c") == ["a", "b", "0", "c"]


def test_a_backslash_before_an_expression_goes() -> None:
    assert unescaped(r"\${a} \\${b} \x $y") == r"${a} \${b} \x $y"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (None, "None"),
        (1e10, "10000000000.0"),
        (1e-5, "1e-05"),
        (7, "7"),
        ("a b", "a b"),
    ],
)
def test_values_in_a_text_are_written_as_python_does_but_for_booleans(value: Any, text: str) -> None:
    assert written(value) == text


OPTIONS = {
    "lr": 1e-5,
    "on": True,
    "off": False,
    "name": "a b",
    "lst": [1, "x y", None, True],
    "n": {"d": 3, "e": {}},
    "z": [],
}


def test_a_map_in_a_command_becomes_options() -> None:
    assert written(OPTIONS) == "--lr 1e-05 --on --name 'a b' --lst 1 'x y' None True --n.d 3"
    assert shlex.split(written({"q": 'it\'s "x"', "e": ""})) == ["--q", 'it\'s "x"', "--e", ""]


def test_the_configuration_says_how_options_are_spelled() -> None:
    some = {"on": True, "off": False, "l": [1, "a b"]}
    assert written(some, Parsing("boolean_optional", "append")) == "--on --no-off --l 1 --l 'a b'"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"a": [1, [2]]}, "a list or a map inside the list a"),
        ({"a": [{}]}, "a list or a map inside the list a"),
        ({"a.b": 1, "a": {"b": 2}}, "the key a.b twice"),
    ],
)
def test_what_has_no_form_in_a_command_is_said(value: Any, says: str) -> None:
    with pytest.raises(NotWritable, match=says):
        written(value)


def test_a_number_that_no_text_can_hold_is_said() -> None:
    with pytest.raises(NotWritable, match="is a number that is too long"):
        written(16**5000)


def test_a_reference_knows_its_place() -> None:
    assert references("ab${c}d") == [Reference(2, 6, "c")]
