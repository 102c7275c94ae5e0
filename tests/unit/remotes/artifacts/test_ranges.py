"""Which bytes of a pack are asked for together."""

from __future__ import annotations

from assay.engine.model import Digest
from assay.remotes.artifacts.ranges import REQUEST, Part, parts

A, B, C = (Digest("xxh128", letter * 32) for letter in "abc")


def test_neighbours_are_asked_for_together_and_others_alone() -> None:
    far = 20 * REQUEST
    found = parts("p", 40 * REQUEST, {C: (far, 7), B: (100, 5), A: (0, 10)})
    assert found == [Part("p", 0, 105, {A: (0, 10), B: (100, 5)}), Part("p", far, 7, {C: (far, 7)})]


def test_a_pack_of_which_most_is_wanted_comes_whole() -> None:
    assert parts("p", 2 * REQUEST, {A: (0, 10), B: (REQUEST, REQUEST)}) == []
