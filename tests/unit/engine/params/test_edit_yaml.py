"""Editing YAML in place."""

from __future__ import annotations

import pytest
import yaml

from assay.engine.errors import Refused
from assay.engine.params import documents
from assay.engine.params.overrides import parse

TEXT = """\
# the model
base: &b
  lr: 0.01   # rate
  n: 5
train:
  <<: *b
  name: "x"  # quoted
  layers:   # sizes
  - 64   # first
  - 32
  flow: [1, 2]  # one line
  text: |
    hello
    there

empty:
none: ~
last: {a: 1, b: 2}  # end
"""


def edit(text: str, *words: str) -> str:
    return documents.edit("p.yaml", text, [parse(word) for word in words])


@pytest.mark.parametrize(
    ("word", "old", "new"),
    [
        ("train.name=resnet", '"x"', '"resnet"'),
        ("train.name=5", '"x"', "5"),
        ("train.layers.0=128", "64", "128"),
        ("train.layers=[64,16]", "32", "16"),
        ("train.layers=[64]", "  - 32\n", ""),
        ("train.layers=[64,32,8]", "- 32\n", "- 32\n  - 8\n"),
        ("train.layers=[]", "layers:   # sizes\n  - 64   # first\n  - 32", "layers: []   # sizes"),
        ("train.flow.1=x", "[1, 2]", "[1, x]"),
        ("train.flow=[1,2,3]", "[1, 2]", "[1, 2, 3]"),
        ("train.text=x", "|\n    hello\n    there", "x"),
        ("empty=5", "empty:", "empty: 5"),
        ("empty={x:1}", "empty:", "empty: {x: 1}"),
        ("none=1", "~", "1"),
        ("last.b=true", "b: 2", "b: true"),
        ("last=1", "{a: 1, b: 2}", "1"),
        ("train.n=7", "there\n", "there\n  n: 7\n"),
        ("+train.new=a", "there\n", "there\n  new: a\n"),
        ("+last.c=1", "b: 2}", "b: 2, c: 1}"),
        ("+top={x:{y:1},z:[1,2]}", "# end\n", "# end\ntop:\n  x:\n    y: 1\n  z: [1, 2]\n"),
        ("~train.name", '  name: "x"  # quoted\n', ""),
        ("~last.a", "a: 1, ", ""),
        ("~last", "last: {a: 1, b: 2}  # end\n", ""),
        ("~none", "none: ~\n", ""),
        ("~train.text", "  text: |\n    hello\n    there\n", ""),
    ],
)
def test_only_the_bytes_of_the_value_change(word: str, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    assert edit(TEXT, word) == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1e-5", "1.0e-05"), ("1e20", "1.0e+20"), ("1.5e-7", "1.5e-07"), ("inf", ".inf"), ("-inf", "-.inf"),
        ("nan", ".nan"), ("0.1", "0.1"), ("null", "null"), ("true", "true"), ("-3", "-3"), ("yes", "'yes'"),
        ("off", "'off'"), ("'1e5'", "'1e5'"), ("'1.0'", "'1.0'"), ("0x10", "'0x10'"), ("0o7", "'0o7'"),
        ("007", "'007'"), ("'12:30:45'", "'12:30:45'"), ("'2024-01-02'", "'2024-01-02'"), ("''", "''"),
        ("'~'", "'~'"), ("'a: b'", "'a: b'"), ("'a #b'", "'a #b'"), ("a b", "a b"), ("'- x'", "'- x'"),
        ("--flag", "--flag"), ("http://x/y", "http://x/y"), ('"it\'s"', "it's"), ("'=x'", "'=x'"),
        ("'it\\'s: x'", "'it''s: x'"), ("'[x'", "'[x'"), ("'größe'", "größe"), ("'a\tb'", '"a\\tb"'),
        ("'a\nb'", '"a\\nb"'), ("'\u2028'", '"\\u2028"'), ("[1,'a,b',x:y]", "[1, 'a,b', 'x:y']"),
        ("{a:[1],b c:null}", "{a: [1], b c: null}"),
    ],
)  # fmt: skip
def test_a_value_is_written_so_that_both_versions_of_yaml_read_it(value: str, written: str) -> None:
    text = edit("a: 0\n", f"a={value}")
    assert text == f"a: {written}\n"
    older = yaml.safe_load(text)["a"]  # PyYAML has YAML 1.1's rules
    assert repr(older) == repr(parse(f"a={value}").value)


def test_windows_line_breaks_and_a_missing_last_one_stay() -> None:
    assert edit("a: 1\r\nb:\r\n- 1\r\n", "a=2", "b=[1,2]", "+c=3") == "a: 2\r\nb:\r\n- 1\r\n- 2\r\nc: 3\r\n"
    assert edit("a: 1\nb: 2", "b=3", "+c=4") == "a: 1\nb: 3\nc: 4"


@pytest.mark.parametrize(
    ("text", "word", "result"),
    [
        ("", "+a.b=1", "a:\n  b: 1\n"),
        ("# c\n", "+a=1", "# c\na: 1\n"),
        ("{}\n", "+a=1", "{a: 1}\n"),
        ("a: 1\n", "~a", ""),
        ("# c\na: 1  # d\n", "~a", "# c\n"),
        ("a:\n  b: 1\n", "~a.b", "a: {}\n"),
        ("a:\n- x: 1\n  y: 2\n", "~a.0.x", "a:\n- y: 2\n"),
        ("a:\n- x: 1\n  # about y\n  y: 2\n", "~a.0.x", "a:\n  # about y\n- y: 2\n"),
        ("a:\n- x: 1\n  y: 2\n- 3\n", "a.0.x=5", "a:\n- x: 5\n  y: 2\n- 3\n"),
        ("a:\n  - - 1\n    - 2\n", "a.0=[1,2,3]", "a:\n  - - 1\n    - 2\n    - 3\n"),
        ("a:\n  - - 1\n    - 2\n", "a.0=[1]", "a:\n  - - 1\n"),
        ("a:\n-\n- 2\n", "a.0=5", "a:\n- 5\n- 2\n"),
        ("a: [\n  1,  # one\n  2  # two\n]\n", "a=[1,2,3]", "a: [\n  1,  # one\n  2,  # two\n  3\n]\n"),
        ("a: {\n  x: 1,\n  y: 2,\n}\n", "+a.z=3", "a: {\n  x: 1,\n  y: 2,\n  z: 3,\n}\n"),
        ("a: {\n  x: 1,\n  y: 2,\n}\n", "~a.x", "a: {\n  y: 2,\n}\n"),
        ("a: {x: , y}\n", "a.y=1", "a: {x: , y: 1}\n"),
        ("a: !!float 1\n", "a=2.5", "a: !!float 2.5\n"),
        ("a: !!float 1\n", "a=x", "a: x\n"),
        ("a: &x 1\n", "a=2", "a: &x 2\n"),
        ("a: &x\n  b: 1\nc: 2\n", "a=5", "a: 5\nc: 2\n"),
        ("x: &x 1\ny: *x  # same\n", "y=2", "x: &x 1\ny: 2  # same\n"),
        ("'a': 1\n? b\n: 2\n", "b=3", "'a': 1\n? b\n: 3\n"),
        ("a: 1\n...\n", "+b=2", "a: 1\nb: 2\n...\n"),
        ("---\na: 1\n", "+b=2", "---\na: 1\nb: 2\n"),
        ("a: |+\n  x\n\n", "+b=1", "a: |+\n  x\n\nb: 1\n"),
        ("a: plain\n  and more\nb: 1\n", "a=x", "a: x\nb: 1\n"),
        ("n: 1\nx: 2\n", "+y=3", "n: 1\nx: 2\ny: 3\n"),
        ("é: 'ü'  # 😀\nb: 😀  # c\n", "b=x", "é: 'ü'  # 😀\nb: x  # c\n"),
    ],
)
def test_unusual_shapes_are_edited_too(text: str, word: str, result: str) -> None:
    assert edit(text, word) == result


SHARED = "other values share it through the anchor &b"


@pytest.mark.parametrize(
    ("text", "word", "message"),
    [
        (TEXT, "base.lr=1", f"base.lr cannot be changed in p.yaml: {SHARED}."),
        (TEXT, "~base.n", f"base.n cannot be changed in p.yaml: {SHARED}."),
        ("x: &x {a: 1}\ny: *x\n", "y.a=2", "y.a cannot be changed in p.yaml: y is the alias *x."),
        ("x: &x {a: 1}\ny: *x\n", "+y.b=2", "y.b cannot be changed in p.yaml: y is the alias *x."),
        (
            "x: &x {a: {b: 1}}\ny: {<<: *x}\n", "y.a.b=2",
            "y.a.b cannot be changed in p.yaml: y.a comes from a merge key or from a key with a tag.",
        ),
        (
            "x: &x {a: 1}\ny: {<<: *x, b: 2}\n", "~y.a",
            "y.a cannot be changed in p.yaml: y.a comes from a merge key or from a key with a tag.",
        ),
    ],
)  # fmt: skip
def test_what_others_share_is_refused_with_the_reason(text: str, word: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        edit(text, word)
    assert caught.value.message == message
