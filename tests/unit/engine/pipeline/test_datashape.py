"""What maps of ``.dvc`` and lock files may hold."""

from __future__ import annotations

from typing import Any

import pytest

from assay.engine.errors import BadInput
from assay.engine.pipeline.datashape import DATA_FILE, DEP, LOCKED, OUT, Shape, check
from assay.engine.pipeline.source import Source

GOOD: list[tuple[Shape, Any]] = [
    (OUT, {"path": "a"}),
    (OUT, {"path": "a", "md5": None, "size": 3, "isexec": True, "cache": False, "labels": ["x"], "meta": [1]}),
    (OUT, {"path": "a", "files": [{"relpath": "b", "md5": "abc"}], "cloud": {"r": {"etag": "abc"}}}),
    (LOCKED, {"path": "a", "dataset": {}, "version_id": "v"}),
    (DEP, {"path": "a", "repo": {"url": "u", "config": {}, "remote": "r"}}),
    (DEP, {"db": {"query": "q"}}),
    (DATA_FILE, {"outs": None, "wdir": None, "md5": ""}),
]
BAD: list[tuple[Shape, Any, str]] = [
    (OUT, [], "should be a map with path"),
    (OUT, {}, "has no path"),
    (OUT, {"path": 1}, "outs.path: should be text"),
    (OUT, {"path": "a", "siz": 1}, "an artifact has no such key.*"),
    (OUT, {"path": "a", "files": [{"md5": "abc"}]}, r"outs\.files\[0\]: has no relpath"),
    (OUT, {"path": "a", "cloud": {"r": {}, "s": {}}}, "outs.cloud: should be a map with one name"),
    (LOCKED, {"path": "a", "cache": False}, "no such key"),
    (DEP, {"path": "a", "repo": {"rev": "x"}}, "outs.repo: has no url"),
    (DATA_FILE, {"md5": "ab"}, "outs.md5: should be a checksum"),
]


@pytest.mark.parametrize(("shape", "value"), GOOD)
def test_what_fits_is_accepted(shape: Shape, value: Any) -> None:
    check(Source("x.dvc", ""), ("outs",), value, shape)


@pytest.mark.parametrize(("shape", "value", "problem"), BAD)
def test_what_does_not_fit_is_named_with_its_place(shape: Shape, value: Any, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        check(Source("x.dvc", ""), ("outs",), value, shape)


def test_a_key_that_was_misspelled_is_guessed() -> None:
    with pytest.raises(BadInput) as caught:
        check(Source("x.dvc", ""), (), {"path": "a", "versoin_id": "v"}, OUT)
    assert "version_id" in caught.value.hint
