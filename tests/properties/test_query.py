"""--where against a model of a few lines: queries are written out, parsed again, and asked about random rows."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from assay.engine.errors import UsageError
from assay.engine.experiments.query import matches, parse
from assay.engine.experiments.values import MISSING

NAMES = ["a", "b.c", "file.json:d", "odd name", "and"]
texts = st.text("ab'\"\\ .[(", max_size=4).filter(lambda text: not text.endswith("\\"))
scalars = st.one_of(st.integers(-3, 3), st.floats(-3, 3), st.booleans(), st.none(), texts)
rows = st.dictionaries(st.sampled_from(NAMES), scalars)
names = st.sampled_from(NAMES).map(lambda name: ("name", name))
constants = scalars.map(lambda value: ("value", value))
operands = names | constants
comparisons = st.tuples(operands, st.sampled_from(["=", "==", "!=", "<", "<=", ">", ">="]), operands)
searches = st.tuples(operands, st.just("~"), texts.filter(lambda text: "(" not in text and "[" not in text))
queries = st.recursive(
    comparisons | searches,
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner),
    max_leaves=6,
)


def written(query, above=""):
    """A query as text, with brackets only where they are needed."""
    if query[0] == "not":
        return f"not {written(query[1], 'not')}"
    if query[0] in ("and", "or"):
        text = f" {query[0]} ".join(written(part, query[0]) for part in query[1:])
        return f"({text})" if above in ("not", "and") or above == query[0] else text
    left, sign, right = query
    return f"{operand(left)} {sign} {quoted(right) if sign == '~' else operand(right)}"


def operand(side):
    kind, value = side
    if kind == "name":
        return value if re.fullmatch(r"[a-z.:]+", value) and value != "and" else f"`{value}`"
    if isinstance(value, str):
        return quoted(value)
    return shown(value)


def quoted(text):
    mark = "'" if '"' in text else '"'
    return mark + text.replace(mark, "\\" + mark) + mark


def expected(query, row):
    """What a query means, said as plainly as Python can."""
    if query[0] == "not":
        return not expected(query[1], row)
    if query[0] in ("and", "or"):
        return {"and": all, "or": any}[query[0]](expected(part, row) for part in query[1:])
    left, sign, right = query
    one = value_of(left, row)
    if sign == "~":
        return one is not MISSING and re.search(right, shown(one)) is not None
    other = value_of(right, row)
    if one is MISSING or other is MISSING or kind_of(one) != kind_of(other):
        return sign == "!="
    if one is None:
        return sign in ("=", "==", "<=", ">=")
    orders = {"=": one == other, "==": one == other, "!=": one != other}
    orders |= {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}
    return orders[sign]


def value_of(side, row):
    return row.get(side[1], MISSING) if side[0] == "name" else side[1]


def kind_of(value):
    return "number" if type(value) in (int, float) else type(value).__name__


def shown(value):
    if isinstance(value, str):
        return value
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))


@given(queries, rows)
def test_a_query_means_what_the_model_says(query, row):
    assert matches(parse(written(query)), lambda name: row.get(name, MISSING)) == expected(query, row)


def complaint(text):
    try:
        matches(parse(text), lambda _: MISSING)
    except UsageError as error:
        return error.message
    return ""


@given(st.text("ab.`'\"\\~=<>!()0123e+- \tandortu"))
def test_any_text_is_a_query_or_one_sentence(text):
    assert re.fullmatch(r"(--where, character \d+: [^\n]*\.)?", complaint(text), re.DOTALL)
