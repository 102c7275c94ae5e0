"""--where against a model of a few lines: queries are written out, parsed again, and asked about random rows."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.engine.errors import UsageError
from assay.engine.experiments.query import Several, matches, names, parse
from assay.engine.experiments.values import MISSING

NAMES = ["a", "b.c", "file.json:d", "odd name", "and", "note"]
MANY = "tag"
# What cannot be written: a backslash at the end, or before the one quote that would do.
writable = re.compile(r"""(?!.*\\\Z)(?!(?=.*\\').*")""", re.DOTALL).match
texts = st.text("ab'\"\\ .[(", max_size=4).filter(writable)
scalars = st.one_of(st.integers(-3, 3), st.floats(-3, 3), st.booleans(), st.none(), texts)
several = st.lists(scalars, max_size=3).map(lambda found: {MANY: Several(found)})
rows = st.builds(dict.__or__, st.dictionaries(st.sampled_from(NAMES), scalars), several | st.just({}))
ROWS = [
    {"a": 1, "b.c": "a", MANY: Several(["a", "b"])},
    {"note": " ", MANY: Several([])},
]  # a drawn one on top of these
asked = st.sampled_from([*NAMES, MANY]).map(lambda name: ("name", name))
constants = scalars.map(lambda value: ("value", value))
operands = asked | constants
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
    ones = values_of(left, row)
    if sign == "~":
        return any(one is not MISSING and re.search(right, shown(one)) is not None for one in ones)
    outcomes = [compared(one, sign, other) for one in ones for other in values_of(right, row)]
    return all(outcomes) if sign == "!=" else any(outcomes)


def compared(one, sign, other):
    if one is MISSING or other is MISSING or kind_of(one) != kind_of(other):
        return sign == "!="
    if one is None:
        return sign in ("=", "==", "<=", ">=")
    orders = {"=": one == other, "==": one == other, "!=": one != other}
    orders |= {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}
    return orders[sign]


def values_of(side, row):
    value = row.get(side[1], MISSING) if side[0] == "name" else side[1]
    return value if isinstance(value, Several) else [value]


def asked_for(query):
    """The names in a query, in its order."""
    if query[0] in ("not", "and", "or"):
        return [name for part in query[1:] for name in asked_for(part)]
    sides = query[:1] if query[1] == "~" else query[::2]  # what ~ looks for is a pattern, never a name
    return [side[1] for side in sides if side[0] == "name"]


def kind_of(value):
    return "number" if type(value) in (int, float) else type(value).__name__


def shown(value):
    if isinstance(value, str):
        return value
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))


@settings(max_examples=1_000)
@example(("not", (("name", MANY), "=", ("value", "x"))), {MANY: Several(())})
@given(queries, rows)
def test_a_query_means_what_the_model_says(query, row):
    parsed = parse(written(query))
    for asked_of in (row, {}, *({**one, **row} for one in ROWS)):
        assert matches(parsed, lambda name, row=asked_of: row.get(name, MISSING)) == expected(query, asked_of)
    assert [name.text for name in names(parsed)] == asked_for(query)


def complaint(text):
    try:
        matches(parse(text), lambda _: MISSING)
    except UsageError as error:
        return error.message
    return ""


@settings(max_examples=2_500)
@given(st.text("ab.`'\"\\~=<>!()0123e+- \tandortu"))
def test_any_text_is_a_query_or_one_sentence(text):
    assert re.fullmatch(r"(--where, character \d+: [^\n]*\.)?", complaint(text), re.DOTALL)
