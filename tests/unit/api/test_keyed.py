"""Values by dotted key, as a person names them."""

from __future__ import annotations

import math

import pytest

from assay.api.keyed import Keyed, natural


def test_a_key_is_enough_where_one_file_has_it():
    values = Keyed({"params.yaml": {"train.lr": 1, "seed": 2}})
    assert dict(values) == {"train.lr": 1, "seed": 2}
    assert values["params.yaml:seed"] == 2


def test_a_key_of_several_files_goes_with_its_file():
    values = Keyed({"a.json": {"acc": 1}, "b.json": {"acc": 2}})
    assert dict(values) == {"a.json:acc": 1, "b.json:acc": 2}
    with pytest.raises(KeyError, match=r"several files; say which: a\.json:acc or b\.json:acc"):
        values["acc"]
    assert "acc" not in values


def test_a_file_that_is_one_value_goes_by_its_path():
    assert dict(Keyed({"acc.txt": {"": 0.5}})) == {"acc.txt": 0.5}


def test_colons_may_stand_in_files_and_keys():
    values = Keyed({"a:b.yaml": {"c:d": 1}, "x": {"c:d": 2}})
    assert values["a:b.yaml:c:d"] == 1


def test_an_unknown_key_names_those_like_it():
    with pytest.raises(KeyError, match=r"did you mean train\.lr\?"):
        Keyed({"p": {"train.lr": 1}})["lr"]


def test_it_is_a_mapping_that_cannot_be_changed():
    values = Keyed({"p": {"a": 1}})
    assert values.get("b", 3) == 3
    assert values == {"a": 1}
    with pytest.raises(TypeError):
        values["a"] = 2


def test_words_for_numbers_are_numbers_again():
    assert math.isnan(natural("NaN"))
    assert natural(["Infinity", "-Infinity", "text", 1]) == [math.inf, -math.inf, "text", 1]
