"""Changes as a person reads them."""

from __future__ import annotations

import pytest

from assay.cli.render.changes import percent
from assay.engine.experiments.compare import changed


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (0.1, 0.4, "+300%"),
        (3, 9, "+200%"),
        (20, 400, "+1,900%"),
        (0.1794, 0.0447, "-75.1%"),
        (7, 7.0001, "+0.00143%"),
        (1e-9, 1e9, "+1e+20%"),
        (1, 1, "0%"),
        (0, 1, "-"),
        ("a", "b", "-"),
    ],
)
def test_percent(old: object, new: object, words: str) -> None:
    assert percent(changed(old, new)) == words
