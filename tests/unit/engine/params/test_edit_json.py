"""Editing JSON in place."""

from __future__ import annotations

import pytest

from assay.engine.errors import Refused
from assay.engine.params import documents
from assay.engine.params.overrides import parse

PRETTY = '{\n  "a" : 1,\n  "b": {\n    "c": [1, 2],\n    "d": "x"\n  },\n  "e": []\n}\n'
COMPACT = '{"a":1,"b":{"c":[1,2]}}'


def edit(text: str, *words: str) -> str:
    return documents.edit("p.json", text, [parse(word) for word in words])


@pytest.mark.parametrize(
    ("text", "word", "old", "new"),
    [
        (PRETTY, "a=1e-5", ' 1,\n  "b"', ' 1e-05,\n  "b"'),
        (PRETTY, "b.d=é", '"x"', '"\\u00e9"'),
        (PRETTY, "b.c=[1,2,3]", "[1, 2]", "[1, 2, 3]"),
        (PRETTY, "b.c=[1]", "[1, 2]", "[1]"),
        (PRETTY, "b.c.1=null", "[1, 2]", "[1, null]"),
        (PRETTY, "e=[x]", "[]", '[\n    "x"\n  ]'),
        (PRETTY, "+b.n={x:1}", '"x"\n', '"x",\n    "n": {\n      "x": 1\n    }\n'),
        (PRETTY, "+n=true", "[]\n", '[],\n  "n": true\n'),
        (PRETTY, "~a", '  "a" : 1,\n', ""),
        (PRETTY, "~b.d", ',\n    "d": "x"\n', "\n"),
        (PRETTY, "~e", ',\n  "e": []\n', "\n"),
        (COMPACT, "a=2", '"a":1', '"a":2'),
        (COMPACT, "+b.d=nan", "[1,2]}", '[1,2], "d":NaN}'),
        (COMPACT, "~a", '"a":1,', ""),
        (COMPACT, "~b", ',"b":{"c":[1,2]}', ""),
        ('{"a": 1}', "~a", '"a": 1', ""),
        ("{}\n", "+a.b=1", "{}", '{"a": {"b": 1}}'),
        ('{"ü": 1, "a": "x"}', "a='é'", '"x"', '"é"'),
        ('{\r\n\t"a": 1\r\n}\r\n', "+b=[1]", "1\r\n", '1,\r\n\t"b": [\r\n\t\t1\r\n\t]\r\n'),
    ],
)
def test_only_the_bytes_of_the_value_change(text: str, word: str, old: str, new: str) -> None:
    word = word.replace("=é", "='é'")
    assert text.count(old) == 1
    assert edit(text, word) == text.replace(old, new)


def test_of_a_key_that_stands_twice_the_last_one_counts() -> None:
    assert edit('{"a": 1, "a": 2}', "a=3") == '{"a": 1, "a": 3}'
    with pytest.raises(Refused):
        edit('{"a": 1, "a": 2}', "~a")


def test_a_key_that_is_no_text_has_no_form_in_json() -> None:
    with pytest.raises(Refused):
        edit("{}", "+a={1:2}")
