"""Parameters of a run as Python gives them."""

from __future__ import annotations

import pytest

from assay.api.lab import overrides
from assay.engine.errors import UsageError


class Tensor:
    """As numpy's numbers and arrays are."""

    def __init__(self, value):
        self.value = value

    def tolist(self):
        return self.value


class Percent(float):
    """A number of a kind of its own."""


def one(key, value):
    (found,) = overrides({key: value})
    return found


def test_a_key_and_a_value_change_a_parameter():
    found = one("train.lr", 0.1)
    assert (found.kind, found.file, found.key, found.value) == ("set", None, ("train", "lr"), 0.1)


def test_a_plus_makes_a_new_one_and_a_colon_names_the_file():
    found = one("conf/p.yaml:+train.new", "a b")
    assert (found.kind, found.file, found.key, found.value) == ("add", "conf/p.yaml", ("train", "new"), "a b")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (True, True),
        (None, None),
        ("1", "1"),
        ("a,b=[c", "a,b=[c"),
        ((1, 2), [1, 2]),
        ({"a": (1,)}, {"a": [1]}),
        (Tensor(3), 3),
        ([Tensor([1.5, None])], [[1.5, None]]),
    ],
)
def test_values_become_what_a_file_of_parameters_holds(given, kept):
    assert one("key", given).value == kept
    assert type(one("key", given).value) is type(kept)


def test_numbers_of_other_kinds_become_pythons_own():
    assert type(one("key", Percent(0.5)).value) is float


@pytest.mark.parametrize("key", ["a=b", "~a", "p.yaml:~a", "", "a b", "x["])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(UsageError):
        overrides({key: 1})


def test_a_value_that_no_file_holds_is_refused():
    with pytest.raises(UsageError, match="key is a object"):
        overrides({"key": object()})
