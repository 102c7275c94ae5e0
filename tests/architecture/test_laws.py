"""Each law of docs/architecture.md has tests that name it."""

from __future__ import annotations

import re

from tests.architecture.sources import ROOT


def test_every_law_is_named_by_a_test():
    laws = set(re.findall(r"^(\d)\. \*\*", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE))
    named = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        named.update(re.findall(r"pytest\.mark\.law\((\d)\)", path.read_text()))
    assert laws == set("12345678")
    assert laws <= named
