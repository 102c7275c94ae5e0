"""Files of parameters: their kinds, reading them, and what holds for editing any of them."""

from __future__ import annotations

import math

import pytest

from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.params import documents
from assay.engine.params.overrides import parse


def edit(path: str, text: str, *words: str) -> str:
    return documents.edit(path, text, [parse(word) for word in words])


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("params.yaml", "yaml"), ("a/b.JSON", "json"), ("x.Toml", "toml"), ("p.py", "python"), ("metrics", "yaml"),
        ("a.json/p", "yaml"), ("x.txt", "yaml"), (".json", "json"),
    ],
)  # fmt: skip
def test_the_suffix_tells_the_kind(path: str, kind: str) -> None:
    assert documents.kind(path) == kind


def test_each_kind_is_read_as_what_it_is() -> None:
    assert documents.read("p.yaml", b"lr: 1e-5\non: yes\n") == {"lr": 1e-5, "on": "yes"}
    assert documents.read("p.json", b'{"a": [1, 2.0]}') == {"a": [1, 2.0]}
    assert documents.read("p.toml", b"[a]\nb = 1\n") == {"a": {"b": 1}}
    assert documents.read("p.py", b"A = (1, 2)\n") == {"A": [1, 2]}


def test_an_empty_yaml_file_holds_an_empty_map() -> None:
    assert documents.read("p.yaml", b"# nothing\n") == {}


def test_json_may_hold_what_python_writes() -> None:
    data = documents.read("m.json", b'{"loss": NaN, "x": -Infinity}')
    assert math.isnan(data["loss"])
    assert data["x"] == -math.inf


@pytest.mark.parametrize("path", ["p.yaml", "p.json", "p.toml", "p.py"])
def test_a_byte_order_mark_is_read_over_and_kept(path: str) -> None:
    text = '\ufeff{"a": 1}' if path == "p.json" else "\ufeffa = 1\n" if path != "p.yaml" else "\ufeffa: 1\n"
    assert documents.read(path, text.encode()) == {"a": 1}
    assert edit(path, text, "a=2") == text.replace("1", "2")


@pytest.mark.parametrize(
    ("path", "data", "message"),
    [
        ("p.yaml", b"a: 1\nb: \xff\n", "p.yaml, line 2: it is not UTF-8 text."),
        ("p.json", b'{"a": 1,\n"b"}', "p.json, line 2: it is not JSON: "),
        ("p.json", b"", "p.json, line 1: it is not JSON: expecting value."),
        ("p.json", b"1" * 5000, "p.json: it holds a number that is too long."),
        ("p.json", b"[" * 100_000, "p.json: it is nested too deeply."),
        ("p.toml", b"a = 1\nb\n", "p.toml, line 2: it is not TOML: expected '=' after a key"),
        ("p.toml", b"a = 1\na = 2", "p.toml: it is not TOML: cannot overwrite a value."),
        ("p.py", b"a = 1\nb =\n", "p.py, line 2: it is not Python: invalid syntax."),
        ("p.py", b"a = 1\x00\n", "p.py: it is not Python"),
        ("p.yaml", b"a: [1\n", "p.yaml, line "),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(path: str, data: bytes, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        documents.read(path, data)
    assert caught.value.message.startswith(message)


def test_several_overrides_are_carried_out_in_order() -> None:
    assert edit("p.yaml", "a: 1\nb: 2\n", "a=${b}", "b=3", "+c=x") == "a: 3\nb: 3\nc: x\n"


def test_an_override_that_changes_nothing_changes_no_byte() -> None:
    text = "a:   0.10  # x\nb: [ 1,2 ]\n"
    assert edit("p.yaml", text, "a=0.1", "b=[1,2]", "+c=1", "~c") == text


def test_an_override_that_does_not_fit_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"no key b in p\.json"):
        edit("p.json", "{}", "b=1")


def test_what_cannot_be_edited_is_refused_by_name() -> None:
    with pytest.raises(Refused) as caught:
        edit("p.toml", "a = 1\n", "a=null")
    assert caught.value.message == "a cannot be changed in p.toml: TOML has no null."


@pytest.mark.parametrize(("path", "text"), [("p.yaml", "a: 1\n"), ("p.json", '{"a": 1}\n'), ("p.toml", "a = 1\n")])
def test_a_file_that_is_not_there_yet_takes_new_keys(path: str, text: str) -> None:
    assert edit(path, "", "+a=1") == text


def test_a_file_that_cannot_be_read_is_not_edited() -> None:
    with pytest.raises(BadInput):
        edit("p.yaml", "a: [", "a=1")


@pytest.mark.parametrize("path", ["dvc.lock", "a.json", "a.toml", "a.py"])
def test_a_conflict_that_a_merge_left_is_named(path: str) -> None:
    text = "a = 1\n<<<<<<< HEAD\nlr: 1\n=======\nlr: 2\n>>>>>>> other\n"
    with pytest.raises(BadInput, match=rf"{path}, line 2: a merge left a conflict here\."):
        documents.parse(path, text)


def test_less_than_signs_alone_are_no_conflict() -> None:
    with pytest.raises(BadInput, match="line 2"):
        documents.parse("a.yaml", "<<<<<<< HEAD\nlr: 1\nx: ]\n")
