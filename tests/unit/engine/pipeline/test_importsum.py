"""The checksum of an import; tests/compat/test_dvc_imports.py has DVC judge it."""

from __future__ import annotations

from typing import Any

import pytest

from assay.engine.pipeline.importsum import as_written, stage_md5, with_hash

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
PLAIN = {"deps": [{"path": "d", "repo": {"url": "u"}}], "outs": [{"md5": MD5, "hash": "md5", "path": "a"}]}


@pytest.mark.parametrize(
    "more",
    [
        {"frozen": True},
        {"locked": True},
        {"wdir": "."},
        {"desc": "d", "meta": {"a": 1}},
        {"always_changed": False},
        {"md5": "old"},
    ],
)
def test_what_does_not_change_an_import_does_not_count(more: dict[str, Any]) -> None:
    assert stage_md5({**PLAIN, **more}) == stage_md5(PLAIN)


@pytest.mark.parametrize("more", [{"wdir": "sub"}, {"always_changed": True}, {"outs": []}])
def test_what_changes_an_import_counts(more: dict[str, Any]) -> None:
    assert stage_md5({**PLAIN, **more}) != stage_md5(PLAIN)


def test_defaults_and_spellings_are_made_plain() -> None:
    outs = [{"path": "./b/../a", "md5": MD5, "hash": "md5", "cache": True, "push": True, "size": 3, "cloud": {}}]
    assert as_written({"outs": outs}) == {"outs": [{"path": "a", "md5": MD5, "hash": "md5", "size": 3}]}


def test_a_source_elsewhere_names_its_hash_and_others_keep_what_they_have() -> None:
    assert with_hash({"path": "https://x.org/y", "etag": "abc"}, "") == {
        "path": "https://x.org/y",
        "etag": "abc",
        "hash": "md5",
    }
    assert with_hash({"path": "../y"}, "")["hash"] == "md5"
    for dep in ({"path": "here"}, {"db": {"query": "q"}}, {"path": "d", "repo": {"url": "u"}}):
        assert with_hash(dep, "") == dep
    assert "hash" not in with_hash({"path": "../y"}, "sub")
