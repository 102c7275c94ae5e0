"""Which file an override is for."""

from __future__ import annotations

import pytest

from assay.engine.errors import BadInput, UsageError
from assay.engine.params.locate import assign
from assay.engine.params.overrides import parse

FILES = {"model.json": '{"depth": 3, "lr": 1}', "params.yaml": "train:\n  lr: 0.1\nseed: 1\n", "z.yaml": "seed: 2\n"}


def places(*words: str, files: dict[str, str] = FILES) -> dict[str, list[str]]:
    assigned = assign([parse(word) for word in words], files)
    return {path: [override.text for override in overrides] for path, overrides in assigned.items()}


def refusal(*words: str, files: dict[str, str] = FILES) -> UsageError:
    with pytest.raises(UsageError) as caught:
        places(*words, files=files)
    return caught.value


def test_a_key_belongs_to_the_file_that_has_it() -> None:
    expected = {"model.json": ["depth=4", "~depth"], "params.yaml": ["train.lr=1"]}
    assert places("depth=4", "train.lr=1", "~depth") == expected


def test_a_file_that_is_named_is_taken_tracked_or_not() -> None:
    assert places("other.toml:a=1", "z.yaml:seed=5") == {"other.toml": ["other.toml:a=1"], "z.yaml": ["z.yaml:seed=5"]}


def test_no_file_is_read_when_every_override_names_one() -> None:
    assert places("a.yaml:x=1", files={"params.yaml": "not: [yaml"}) == {"a.yaml": ["a.yaml:x=1"]}
    with pytest.raises(BadInput):
        places("x=1", files={"params.yaml": "not: [yaml"})


def test_a_key_in_several_files_has_to_be_told_apart() -> None:
    error = refusal("seed=3")
    assert error.message == "The key seed is in params.yaml and z.yaml."
    assert error.hint == "Name one: -S params.yaml:seed=3, -S z.yaml:seed=3."
    assert refusal("~seed").hint == "Name one: -S params.yaml:~seed, -S z.yaml:~seed."


def test_an_unknown_key_names_the_nearest_of_all_files() -> None:
    error = refusal("lr_=3", files={"a.yaml": "lr: 1\n", "params.yaml": "train: {lr: 2}\n"})
    assert error.message.endswith("lr_ in params.yaml or a.yaml; did you mean a.yaml:lr or params.yaml:train.lr?")
    assert error.hint == "-S +lr_=3 adds it."


def test_without_tracked_files_no_key_is_known() -> None:
    assert refusal("lr=3", files={}).message == "There is no key lr in any tracked file."


def test_a_new_key_goes_to_params_yaml_or_the_only_file() -> None:
    assert places("+new=1", "++other=2") == {"params.yaml": ["+new=1", "++other=2"]}
    assert places("+new=1", files={"p.toml": ""}) == {"p.toml": ["+new=1"]}
    assert places("+new=1", files={}) == {"params.yaml": ["+new=1"]}
    error = refusal("+new=1", files={"a.yaml": "", "b.yaml": ""})
    assert error.message == "-S '+new=1' does not say to which file the key goes."
    assert error.hint == "Name one: -S a.yaml:+new=1, -S b.yaml:+new=1."


def test_a_forced_key_goes_where_it_is() -> None:
    assert places("++depth=9") == {"model.json": ["++depth=9"]}


def test_a_key_that_an_earlier_override_adds_is_known() -> None:
    assert places("+new.x=1", "new.x=2", "~new") == {"params.yaml": ["+new.x=1", "new.x=2", "~new"]}
    assert places("model.json:+z=1", "z=2") == {"model.json": ["model.json:+z=1", "z=2"]}
