"""YAML 1.2 through PyYAML."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
import yaml

from assay.engine.errors import BadInput
from assay.engine.params import yaml12


def load(text: str) -> object:
    return yaml12.load(text, "params.yaml")


def refusal(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        load(text)
    return caught.value.message


def test_an_empty_document_is_none() -> None:
    assert load("") is None
    assert load("# only a comment\n---\n") is None


def test_a_merge_key_brings_in_what_the_map_does_not_say() -> None:
    assert load("base: &b {lr: 1, n: 2}\nx: {<<: *b, lr: 3}\n") == {"base": {"lr": 1, "n": 2}, "x": {"lr": 3, "n": 2}}


def test_of_several_merged_maps_the_first_wins() -> None:
    assert load("x: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}\n") == {"x": {"a": 1, "b": 2, "c": 3}}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert load("'<<': 1\n") == {"<<": 1}


def test_an_alias_is_what_it_stands_for() -> None:
    result = load("a: &x [1]\nb: *x\n")
    assert isinstance(result, dict)
    assert result["a"] is result["b"]


def test_a_merge_key_leaves_the_map_that_it_names_as_it_is() -> None:
    assert load("a: &x {p: 1}\nb: {<<: *x, q: 2}\nc: *x\n") == {"a": {"p": 1}, "b": {"p": 1, "q": 2}, "c": {"p": 1}}


def test_line_breaks_of_yaml_1_1_only_are_ordinary_characters() -> None:
    assert load("a: x\u2028y\nb: x\x85y # c\u2029d\n") == {"a": "x\u2028y", "b": "x\x85y"}


@pytest.mark.parametrize(
    ("text", "place_and_problem"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4, b.c: the key stands twice."),
        ("1: a\n1.0: b\n", "line 2, 1.0: the key stands twice."),
        ("? [1, 2]\n: 3\n", "line 1: a key may not be a list or a map."),
        ("%YAML 1.1\n---\na: yes\n", "line 1: it declares YAML 1.1; only YAML 1.2 is read."),
        ("a: 1\n--- 2\n", "line 2: it holds several documents; one is expected."),
        ("a: 1\nk:\tv\n", "line 2: a tab follows ':'; use a space."),
        ("a: &x [*x]\n", "line 1, a: an alias stands inside what it stands for."),
        ("a:\n  b: !!set {x}\n", "line 2, a.b: the tag !!set is not supported."),
        ("a: !!python/object:os.system {}\n", "line 1, a: the tag !!python/object:os.system is not supported."),
        ("a: !!int x\n", "line 1, a: 'x' is not of the type !!int."),
        ("a: 2024-13-01\n", "line 1, a: '2024-13-01' is not a number or a date, though it looks like one."),
        ("a: <<\n", "line 1, a: '<<' is not a key here; quote it."),
        ("a: {<<: 1}\n", "line 1, a: '<<' takes a map, or a list of maps."),
        ("a: {<<: {}, <<: {}}\n", "line 1, a: the key '<<' stands twice."),
        ("a: *x\n", "line 1: found undefined alias."),
        ("a: \x01\n", "line 1: the character U+0001 may not stand in YAML."),
        ("a: b: c\n", "line 1: mapping values are not allowed in this context."),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, place_and_problem: str) -> None:
    assert refusal(text) == f"params.yaml, {place_and_problem}"


@pytest.mark.parametrize("text", ["k: {a:\t1}\n", "k: v # a\tb\n", "k: 'a\tb'\n", "k: |\n  a\tb\n"])
def test_a_tab_elsewhere_is_no_error(text: str) -> None:
    load(text)


def test_aliases_may_not_expand_without_end() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "expand to more than 1,000,000 values" in refusal("\n".join(rows))


@pytest.mark.parametrize("text", ["[" * 150_000 + "]" * 150_000, "- " * 100_000 + "x\n", "{a: " * 5_000 + "}" * 5_000])
def test_deep_nesting_is_an_error_and_not_the_end_of_the_process(text: str) -> None:
    assert refusal(text) == "params.yaml, line 1: it is nested deeper than 200 levels."


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as it is where PyYAML was built without libyaml."""
    monkeypatch.delattr(yaml, "CSafeLoader")
    spec = importlib.util.spec_from_file_location("yaml12_without_libyaml", yaml12.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", ["a: 1e-5\nb: &x [yes, 007]\nc: *x\n", "x: {<<: {a: 1}, b: é}\n", "a: |\n  x\n"])
def test_without_libyaml_the_data_is_the_same(pure: ModuleType, text: str) -> None:
    assert pure._Parser is yaml.SafeLoader
    assert pure.load(text, "p.yaml") == yaml12.load(text, "p.yaml")


@pytest.mark.parametrize("text", ["a: [1\n", "a: 1\n--- 2\n", "[" * 5000, "k:\tv\n", "a: 1\na: 2\n"])
def test_without_libyaml_errors_have_their_place_too(pure: ModuleType, text: str) -> None:
    with pytest.raises(BadInput, match=r"^p\.yaml, line \d"):
        pure.load(text, "p.yaml")
