"""The -S grammar: what is written can be read, and nothing but a UsageError comes of any text."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import UsageError
from assay.engine.params.keys import same
from assay.engine.params.overrides import literal, parse, parse_sweep
from assay.engine.params.sweeps import Choice

odd = ["true", "null", "1e5", "inf", "\\", "'"]
words = st.text("ab_-./ ", max_size=6) | st.text(max_size=8) | st.sampled_from(odd)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
map_keys = (
    st.integers()
    | st.booleans()
    | st.text("ab_-./\\()[]{}:=, \t", min_size=1, max_size=6).filter(lambda text: text.strip(" \t") not in ("", "\\"))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(map_keys, inner, max_size=3), max_leaves=8
)
keys = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,5}|[1-9][0-9]?|0", fullmatch=True), min_size=1, max_size=3)


@settings(max_examples=1000)
@given(values)
def test_a_value_written_in_the_grammar_is_read_back(value: Any) -> None:
    assert same(parse(f"key={literal(value)}").value, value)


@settings(max_examples=300)
@given(st.lists(scalars, min_size=2, max_size=5))
def test_values_between_commas_are_choices(several: list[Any]) -> None:
    value = parse_sweep("key=" + ",".join(map(literal, several))).value
    assert isinstance(value, Choice)
    assert same(list(value.values), several)


@settings(max_examples=300)
@given(keys, st.sampled_from(["", "+", "++", "~"]), st.sampled_from(["", "p.yaml:", "a/b.json:"]))
def test_file_operator_and_key_are_told_apart(key: list[str], operator: str, file: str) -> None:
    if len(key) == 1 and key[0][0].isdigit():
        key = ["k", *key]
    override = parse(f"{file}{operator}{'.'.join(key)}=x:y")
    assert override.key == tuple(key)
    assert override.file == (file[:-1] or None)
    assert override.kind == {"": "set", "+": "add", "++": "force", "~": "delete"}[operator]
    assert override.value == "x:y"


pieces = st.sampled_from([*"ab01.:,=[]{}()'\"\\$+-~/ \t\n@%é", "${", "int(", "range(", "choice(", "1e5", "a.b="])


@settings(max_examples=1500)
@given(st.lists(pieces, max_size=14).map("".join) | st.text(max_size=20).map("a=".__add__))
def test_any_text_is_an_override_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text)
