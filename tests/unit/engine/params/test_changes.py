"""What -S words do to data."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from assay.engine.errors import UsageError
from assay.engine.params.changes import Edit, applied, carried_out, difference
from assay.engine.params.overrides import parse

DATA = {"lr": 0.1, "opt": {"name": "adam", "beta": 0.9}, "layers": [64, 32], "none": None, "empty": {}, 7: 1}


def apply(*words: str) -> Any:
    return applied(DATA, [parse(word) for word in words], "params.yaml")


def refusal(*words: str) -> UsageError:
    before = copy.deepcopy(DATA)
    with pytest.raises(UsageError) as caught:
        apply(*words)
    assert before == DATA
    return caught.value


@pytest.mark.parametrize(
    ("word", "changed"),
    [
        ("lr=1", {"lr": 1}),
        ("opt.name=sgd", {"opt": {"name": "sgd", "beta": 0.9}}),
        ("opt={beta:1}", {"opt": {"name": "adam", "beta": 1}}),
        ("opt={}", {}),
        ("opt=5", {"opt": 5}),
        ("lr={a:1}", {"lr": {"a": 1}}),
        ("layers=[1]", {"layers": [1]}),
        ("layers.0=9", {"layers": [9, 32]}),
        ("none=1", {"none": 1}),
        ("7=x", None),
        ("+new=1", {"new": 1}),
        ("+a.b.c=1", {"a": {"b": {"c": 1}}}),
        ("+none=1", {"none": 1}),
        ("+none.x=1", {"none": {"x": 1}}),
        ("+opt={new:1}", {"opt": {"name": "adam", "beta": 0.9, "new": 1}}),
        ("+layers=[1]", {"layers": [1]}),
        ("++lr=1", {"lr": 1}),
        ("++new=1", {"new": 1}),
        ("++lr.x=1", {"lr": {"x": 1}}),
        ("++opt={new:{x:1}}", {"opt": {"name": "adam", "beta": 0.9, "new": {"x": 1}}}),
    ],
)
def test_an_override_changes_only_what_it_names(word: str, changed: dict[str, Any] | None) -> None:
    if changed is None:
        refusal(word)
    else:
        assert apply(word) == {**DATA, **changed}


def test_a_key_is_deleted_with_its_value_or_without_naming_it() -> None:
    assert "lr" not in apply("~lr")
    assert apply("~opt.beta=0.9")["opt"] == {"name": "adam"}
    assert "none" not in apply("~none")


def test_overrides_build_on_one_another() -> None:
    assert apply("+x={a:1}", "x.a=2", "~x.a", "+x.b=3")["x"] == {"b": 3}


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("learning_rate=1", "There is no key learning_rate in params.yaml.", "-S +learning_rate=1 adds it."),
        ("opt.bet=1", "There is no key opt.bet in params.yaml; did you mean opt.beta?", "-S +opt.bet=1 adds it."),
        ("beta=1", "There is no key beta in params.yaml; did you mean opt.beta?", "-S +beta=1 adds it."),
        ("f.yaml:lrr=1", "There is no key lrr in params.yaml; did you mean lr?", "-S f.yaml:+lrr=1 adds it."),
        ("~beta", "There is no key beta in params.yaml; did you mean opt.beta?", ""),
        ("layers.2=1", "There is no key layers.2 in params.yaml; did you mean layers?", "Give the whole list instead."),
    ],
)
def test_an_unknown_key_names_the_nearest_and_how_to_add_it(word: str, message: str, hint: str) -> None:
    error = refusal(word)
    assert error.message == message
    assert error.hint == hint


@pytest.mark.parametrize(
    ("word", "problem", "hint"),
    [
        ("opt={new:1}", "there is no key opt.new", "-S +opt={new:1} adds it."),
        ("opt=[1]", "opt is a map, and a list cannot be merged into it", ""),
        ("layers={}", "layers is a list, and a map cannot be merged into it", ""),
        ("+lr=1", "lr is there already", "-S lr=1 changes it, -S ++lr=1 does either."),
        ("+lr.x=1", "lr is 0.1, not a map", "-S ++lr.x=1 replaces lr."),
        ("+layers.2=1", "a list has no element 2", "Give the whole list instead."),
        ("~layers.0", "layers.0 is an element of a list", "Give the whole list instead."),
        ("~lr=1", "lr is 0.1 and not 1", ""),
    ],
)
def test_what_does_not_fit_is_said_with_what_would(word: str, problem: str, hint: str) -> None:
    error = refusal(word)
    assert error.message == f"-S {word!r} does not fit params.yaml: {problem}."
    assert error.hint == hint


@pytest.mark.parametrize(
    ("old", "new", "edits"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, [Edit("replace", ("a",), 1.0)]),
        ({"a": 1, "b": 2}, {"b": 2, "c": 3}, [Edit("remove", ("a",)), Edit("insert", ("c",), 3)]),
        ({"a": [1, 2, 3]}, {"a": [1, 9]}, [Edit("replace", ("a", 1), 9), Edit("remove", ("a", 2))]),
        ({"a": [1]}, {"a": [1, 2]}, [Edit("append", ("a", 1), 2)]),
        ({"a": [1]}, {"a": []}, [Edit("replace", ("a",), [])]),
        ({"a": {"b": 1}}, {"a": {}}, [Edit("remove", ("a", "b"))]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [Edit("replace", ("a", 0, "b"), 2)]),
    ],
)
def test_a_difference_is_as_small_as_it_can_be(old: Any, new: Any, edits: list[Edit]) -> None:
    assert list(difference(old, new)) == edits
    for edit in edits:
        old = carried_out(old, edit)
    assert old == new


def test_a_list_of_another_length_can_be_replaced_as_a_whole() -> None:
    assert list(difference({"a": [1, 2]}, {"a": [3]}, whole_lists=True)) == [Edit("replace", ("a",), [3])]
    assert list(difference({"a": [1, 2]}, {"a": [1, 3]}, whole_lists=True)) == [Edit("replace", ("a", 1), 3)]


def test_a_file_of_parameters_has_no_packages() -> None:
    assert refusal("+db@x=1").message.endswith(
        "a package after '@' is for what Hydra composes, and this is a file of parameters."
    )
