"""Editing TOML in place."""

from __future__ import annotations

import pytest

from assay.engine.errors import Refused
from assay.engine.params import documents
from assay.engine.params.overrides import parse

TEXT = """\
# about
title = 'x' # single
[train]
lr = 0.01  # rate
layers = [
  1, # one
  2,
]
opt.name = "adam"
when = 2024-01-02 03:04:05
inner = {a = 1, b = 'x'}

[[runs]]
n = 1
[[runs]]
n = 2  # second

[other.deep]
text = \"\"\"
a "quoted" ] text
\"\"\"
"""


def edit(text: str, *words: str) -> str:
    return documents.edit("p.toml", text, [parse(word) for word in words])


@pytest.mark.parametrize(
    ("word", "old", "new"),
    [
        ("title=y", "'x' # single", "'y' # single"),
        ('title="it\'s"', "'x' # single", '"it\'s" # single'),
        ("train.lr=1e-5", "0.01", "1e-05"),
        ("train.lr=inf", "0.01", "inf"),
        ("train.layers=[5,2]", "  1, # one", "  5, # one"),
        ("train.layers=[5]", "[\n  1, # one\n  2,\n]", "[5]"),
        ("train.opt.name='a\tb'", '"adam"', '"a\\tb"'),
        ("train.when=true", "2024-01-02 03:04:05", "true"),
        ("train.inner.b=2", "'x'}", "2}"),
        ("+train.inner.c=[1]", "'x'}", "'x', c = [1]}"),
        ("~train.inner.a", "a = 1, ", ""),
        ("+train.new=a b", "'x'}\n", "'x'}\nnew = \"a b\"\n"),
        ("+train.opt.beta=0.9", '"adam"\n', '"adam"\nopt.beta = 0.9\n'),
        ("+train.opt.sched.a=1", '"adam"\n', '"adam"\nopt.sched = {a = 1}\n'),
        ("runs.1.n=5", "n = 2  #", "n = 5  #"),
        ("+runs.1.m=5", "n = 2  # second\n", "n = 2  # second\nm = 5\n"),
        ("other.deep.text=x", '"""\na "quoted" ] text\n"""', '"x"'),
        ("+other.new=1", '\n"""\n', '\n"""\n\n[other]\nnew = 1\n'),
        ("+top=1", "# single\n", "# single\ntop = 1\n"),
        ("~title", "title = 'x' # single\n", ""),
        ("~train.opt.name", 'opt.name = "adam"', "opt = {}"),
        ("~runs", "[[runs]]\nn = 1\n[[runs]]\nn = 2  # second\n", ""),
        ("~other", '[other.deep]\ntext = """\na "quoted" ] text\n"""\n', ""),
        ("~other.deep", '[other.deep]\ntext = """\na "quoted" ] text\n"""\n', "[other]\n"),
    ],
)
def test_only_the_bytes_of_the_value_change(word: str, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert edit(TEXT, word) == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "word", "result"),
    [
        ("", "+a=1", "a = 1\n"),
        ("[t]\na = 1\n", "+b=1", "b = 1\n\n[t]\na = 1\n"),
        ("a = 1", "+b=1", "a = 1\nb = 1"),
        ("a = 1\r\n[t]\r\n", "+t.b=x", 'a = 1\r\n[t]\r\nb = "x"\r\n'),
        ("a.b.c = 1\n", "+a.b.d=2", "a.b.c = 1\na.b.d = 2\n"),
        ("\"a b\".'c.d' = 1\n", "+x=1", "\"a b\".'c.d' = 1\nx = 1\n"),
        ("a = '''\nx''' # y\n", "a=1", "a = 1 # y\n"),
        ("a = 1\n[t]\nb = 1\n", "t=2", "a = 1\nt = 2\n"),
        ("a = [[1, 2], [3]] # x\n", "a.0.1=5", "a = [[1, 5], [3]] # x\n"),
    ],
)
def test_unusual_shapes_are_edited_too(text: str, word: str, result: str) -> None:
    assert edit(text, word) == result


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("title=null", "TOML has no null"),
        ("runs.0=1", "the elements of an array of tables can be changed, not exchanged"),
        ("+x={1:2}", "keys of TOML are texts"),
    ],
)
def test_what_toml_cannot_hold_is_refused(word: str, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        edit(TEXT, word)
