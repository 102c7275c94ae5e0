"""References in the values of overrides."""

from __future__ import annotations

from typing import Any

import pytest

from assay.engine.errors import UsageError
from assay.engine.params.changes import applied
from assay.engine.params.overrides import parse

DATA = {"a": {"b": 1, "c": [1, {"x": 2.5}]}, "s": "t", "kept": "${HOME}", "none": None, "link": "${a.b}"}


def value(word: str, *more: str) -> Any:
    return applied(DATA, [parse(one) for one in (word, *more)], "p.yaml")["s"]


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("s=${a.b}", 1),
        ("s='${a.b}'", 1),
        ("s=${a.c}", [1, {"x": 2.5}]),
        ("s=${a.c.1.x}", 2.5),
        ("s=${a.c[1][x]}", 2.5),
        ("s=x${a.b}-${none}y", "x1-Noney"),
        ("s=[${a.b},{k:${.1}}]", None),
        ("s={k:${.l},l:${..a.b}}", {"k": 1, "l": 1}),
        ("s=${.a.b}", 1),
        ("s=${link}", 1),
        (r"s=\${a.b}", "${a.b}"),
        (r"s='\\${a.b}'", "\\1"),
        (r"s='a\b ${a.b}'", "a\\b 1"),
    ],
)
def test_a_reference_stands_for_the_value_it_names(word: str, result: Any) -> None:
    if result is None:
        with pytest.raises(UsageError):
            value(word)
    else:
        assert value(word) == result


def test_a_reference_sees_every_override() -> None:
    assert value("s=${a.b}", "a.b=7") == 7
    assert value("s=${new}", "+new=${a.b}") == 1


def test_texts_that_were_in_the_file_stay_as_they_are() -> None:
    assert applied(DATA, [parse("a.b=2")], "p.yaml")["kept"] == "${HOME}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["s=${zz}"], "'${zz}' cannot be resolved: p.yaml has no key zz."),
        (["s=${...x}"], "'${...x}' cannot be resolved: p.yaml has no key ...x."),
        (["s=${s}"], "'${s}' cannot be resolved in p.yaml: it refers to itself."),
        (["s=${a.b}", "a.b=${s}"], "'${s}' cannot be resolved in p.yaml: it refers to itself."),
        (["s=${oc.env:X}"], "'${oc.env:X}' cannot be resolved in p.yaml: a resolver such as oc.env is not supported."),
        (["s='${a'"], "'${a' cannot be resolved: a '${' has no '}', or another one inside."),
        (["s='${a.${b}}'"], "'${a.${b}}' cannot be resolved: a '${' has no '}', or another one inside."),
        (["s='${.}'"], "'${.}' cannot be resolved in p.yaml: an empty name is not supported."),
    ],
)
def test_a_reference_that_leads_nowhere_is_said(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        value(*words)
    assert caught.value.message == message
