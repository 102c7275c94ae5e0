"""Which values of a file are metrics."""

from __future__ import annotations

from typing import Any

import pytest

from assay.engine.errors import BadInput
from assay.engine.pipeline import metrics


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("m.json", '{"acc": 0.5, "n": 3, "ok": true, "name": "a"}', {"acc": 0.5, "n": 3, "ok": True, "name": "a"}),
        ("m.yaml", "loss: {train: 1e-5, val: .nan}\n", None),
        ("m.toml", "[loss]\nval = 2\n", {"loss": {"val": 2}}),
        ("m.json", '{"a": [1], "b": null, "c": {"d": {"e": []}}, "f": 1}', {"f": 1}),
        ("m.json", "0.25", 0.25),
        ("m.json", "[1, 2]", None),
        ("m.json", "{}", None),
        ("m.yaml", "1: 2\n", {"1": 2}),
    ],
)
def test_numbers_texts_and_truths_are_kept(path: str, text: str, found: Any) -> None:
    read = metrics.read(path, text.encode())
    if path == "m.yaml" and "nan" in text:
        assert read["loss"]["train"] == 1e-5
        assert read["loss"]["val"] != read["loss"]["val"]
    else:
        assert read == found


def test_a_broken_file_is_named() -> None:
    with pytest.raises(BadInput, match=r"^m\.json"):
        metrics.read("m.json", b"{")
