"""Parameters in Python files."""

from __future__ import annotations

import pytest

from assay.engine.errors import Refused
from assay.engine.params import documents
from assay.engine.params.overrides import parse

TEXT = """\
import os  # not run

X = 1  # one
Y: float = 1e-3; Z = "é"; W = (1, 2)
NONE: int
A = B = 1
CALL = os.getcwd()
SET = {1}
if X:
    HIDDEN = 1


class Cfg:
    lr = 0.1
    D = {"a": [1, 2], 'b': {"c": 3}, "c": (
        5  # five
    )}

    class Inner:
        q = -1

    def __init__(self):
        self.n = 5
        local = 1
        self.other.m = 2

    def method(self):
        self.late = 1


class Empty:
    pass
"""


def edit(text: str, *words: str) -> str:
    return documents.edit("p.py", text, [parse(word) for word in words])


def test_literals_of_modules_classes_and_constructors_are_parameters() -> None:
    assert documents.parse("p.py", TEXT) == {
        "X": 1,
        "Y": 1e-3,
        "Z": "é",
        "W": [1, 2],
        "Cfg": {"lr": 0.1, "D": {"a": [1, 2], "b": {"c": 3}, "c": 5}, "Inner": {"q": -1}, "n": 5},
    }


def test_the_last_assignment_counts() -> None:
    assert edit("X = 1\nX = 2\n", "X=3") == "X = 1\nX = 3\n"
    assert documents.parse("p.py", "X = 1\nX = f()\n") == {}


@pytest.mark.parametrize(
    ("word", "old", "new"),
    [
        ("X=5", "X = 1 ", "X = 5 "),
        ("Y=1e-5", "1e-3", "1e-05"),
        ("Z=a", '"é"', "'a'"),
        ("W=[3]", "(1, 2)", "(3,)"),
        ("W.1=x", "(1, 2)", "(1, 'x')"),
        ("Cfg.D.a=[1]", "[1, 2]", "[1]"),
        ("Cfg.D.b.c=null", "3}", "None}"),
        ("Cfg.D.c=6", "5  # five", "6  # five"),
        ("Cfg.Inner.q=2", "-1", "2"),
        ("Cfg.n=true", "self.n = 5", "self.n = True"),
    ],
)
def test_only_the_bytes_of_the_value_change(word: str, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert edit(TEXT, word) == TEXT.replace(old, new)


def test_line_breaks_of_any_kind_stay() -> None:
    assert edit("A = 'é'\r\nB = 'é'; C = 1\r\n", "C=2") == "A = 'é'\r\nB = 'é'; C = 2\r\n"
    assert edit("A = 1\rB = 2\r", "B=3") == "A = 1\rB = 3\r"


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("+NEW=1", "keys of Python files can be changed, not added or taken away"),
        ("~X", "keys of Python files can be changed, not added or taken away"),
        ("X=[inf]", r"\[inf\] has no literal in Python"),
        ("Cfg=1", "a class cannot become a value"),
    ],
)
def test_what_would_need_more_than_a_literal_is_refused(word: str, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        edit(TEXT, word)


def test_reading_runs_nothing_and_warns_of_nothing() -> None:
    assert documents.parse("p.py", 'raise SystemExit\nX = "\\d"\n') == {"X": "\\d"}
