"""YAML means here what it means to ruamel.yaml's safe loader for YAML 1.2, and the fast reader never disagrees."""

from __future__ import annotations

import io
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from assay.engine.errors import BadInput
from assay.engine.params import blockyaml, yaml12

LOCK = """\
schema: '2.0'
stages:
  train:
    cmd: python src/train.py --input data/data.xml --seed 20170428 --split 0.20 --out
      data/prepared
    deps:
    - path: data/data.xml
      hash: md5
      md5: 22a1a2931c8370d3aeedd7183606fd7f
      size: 14445097
    params:
      params.yaml:
        train.lr: 0.01
        train.layers: [64, 32]
    outs:
    - path: data/prepared
      md5: 153aad06d376b6595932470e459ef42a.dir
      nfiles: 2
"""
PARAMS = """\
# the first model
train:
  lr: 1e-3   # tuned
  epochs: 20
  optimizer: adam
  layers:
    - 64
    - 32
name: 'it''s'
empty:
flags: {a: true, b: no}
"""

numbers = st.from_regex(r"[-+]?[0-9_]{0,3}\.?[0-9_]{0,3}([eE][-+]?[0-9]{0,2})?", fullmatch=True).filter(bool)
number_like = numbers | st.text("0123456789eE+-._xobafnNiItTZ:~", min_size=1, max_size=9).map(
    lambda text: text.strip(":") or "0"
)
date_like = st.from_regex(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([Tt ][0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]{0,8})?( ?(Z|[+-][0-9]{1,2}(:[0-9]{2})?))?)?",
    fullmatch=True,
)
WORDS = "true True yes no on off null Null ~ .inf -.INF .nan .NaN inf nan 0o17 0x1F 0b11 1_000 y n"
words = st.sampled_from(WORDS.split())
strings = st.one_of(
    st.text(max_size=12),
    st.text("abc :#-'\"\\[]{},&*!|>%@`~?=<\n", max_size=12),
    st.lists(st.sampled_from(["python", "--flag", "a/b.py", "x:y", "$(ls)", "&&", "'q'"]), max_size=30).map(" ".join),
    number_like,
    words,
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), strings)
keys = st.one_of(st.text(min_size=1, max_size=12), number_like, words, st.integers(), st.booleans())
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


def ruamel(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def same(left: Any, right: Any) -> bool:
    """Equal in value, type and order; a not-a-number is equal to another."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return repr(left) == repr(right)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=False)
        return len(left) == len(right) and all(same(a, b) and same(x, y) for (a, x), (b, y) in pairs)
    return bool(left == right)


def outcome(read: Any, text: str) -> Any:
    try:
        return read(text)
    except Exception as error:  # noqa: BLE001 - ruamel.yaml raises ValueError, TypeError and its own
        return error


def load(text: str) -> Any:
    return yaml12.load(text, "params.yaml")


def agrees_with_full_reader(text: str) -> bool:
    """True unless the fast reader gives something that the full one does not; None counts as agreement."""
    try:
        fast = blockyaml.parse(text)
    except blockyaml.NotBlock:
        return True
    return same(fast, outcome(load, text))


def dump(value: Any, *, indented: bool = False) -> str:
    emitter = YAML()
    if indented:
        emitter.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    emitter.dump(value, stream)
    return stream.getvalue()


@settings(max_examples=80)
@given(st.lists(number_like | date_like | words, min_size=40, max_size=40))
def test_a_plain_scalar_means_what_ruamel_says(texts: list[str]) -> None:
    loader = YAML(typ="safe", pure=True)
    for text in texts:
        ours = outcome(load, f"k: {text}\n")
        theirs = outcome(loader.load, f"k: {text}\n")
        if isinstance(theirs, Exception):
            assert isinstance(ours, BadInput), text
        else:
            assert same(ours, theirs), text


@settings(max_examples=120)
@given(data, st.booleans())
def test_what_ruamel_dumps_is_read_back(value: Any, indented: bool) -> None:
    text = dump(value, indented=indented)
    assert same(load(text), ruamel(text))
    assert agrees_with_full_reader(text)


@settings(max_examples=150)
@given(data, st.sampled_from([False, None]), st.booleans())
def test_what_pyyaml_dumps_is_read_alike_by_both_readers(value: Any, flow: bool | None, wide: bool) -> None:
    assert agrees_with_full_reader(
        yaml.dump(value, Dumper=yaml.CSafeDumper, default_flow_style=flow, sort_keys=False, width=1000 if wide else 80)
    )


lines = st.builds(
    lambda indent, dash, key, value, end: " " * indent + dash + key + value + end,
    st.sampled_from([0, 0, 2, 2, 4, 1, 6]),
    st.sampled_from(["", "", "- ", "-  ", "- - ", "-"]),
    st.sampled_from(["a: ", "b: ", "c:", "lr: ", "", "1: ", "a.b: ", "'k': ", "x y: ", "a : "]),
    st.one_of(st.text("ab1 :#-'\"[]{},&*!|>?~<.=", max_size=8), number_like, words),
    st.sampled_from(["", "", " # c", " ", "#c"]),
)
mutations = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from([*"\n :-#'\"[},\t\r", "", "  ", ": ", "- ", "&a "])),
    min_size=1,
    max_size=3,
)


@settings(max_examples=600)
@given(st.lists(lines, max_size=7).map("\n".join) | st.text("ab1:-# \n'\"[]{},.", max_size=40))
def test_the_fast_reader_agrees_with_the_full_one_on_odd_lines(text: str) -> None:
    assert agrees_with_full_reader(text)


@settings(max_examples=300)
@given(st.sampled_from([LOCK, PARAMS]), mutations)
def test_the_fast_reader_agrees_with_the_full_one_on_damaged_files(text: str, changes: list[tuple[int, str]]) -> None:
    for place, new in changes:
        at = place % len(text)
        text = text[:at] + new + text[at + 1 :]
    assert agrees_with_full_reader(text)


@settings(max_examples=250)
@given(st.lists(lines, max_size=6).map("\n".join))
def test_what_both_accept_is_the_same_to_ruamel(text: str) -> None:
    ours = outcome(load, text)
    if isinstance(ours, BadInput) or "!" in text:
        return
    theirs = outcome(ruamel, text)
    assert same(ours, theirs) or "=" in text, text  # ruamel.yaml has no constructor for a lone '='


@pytest.mark.parametrize("text", [LOCK, PARAMS])
def test_the_samples_are_of_the_simple_shape(text: str) -> None:
    assert same(blockyaml.parse(text), ruamel(text))
