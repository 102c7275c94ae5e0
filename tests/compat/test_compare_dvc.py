"""Real DVC and assay say the same of what differs: `metrics diff`, `params diff` and `exp diff` as JSON.

Documented differences are left out of what is generated or taken out of DVC's answers: NaN and the infinities, true
against 1, a new key whose value is null, a map that is empty on one side. ``percent`` is assay's own.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

DVC_YAML = """\
params:
- more.json
metrics:
- metrics.json
stages:
  train:
    cmd: "true"
    params:
    - lr
    - train.depth
    - tracked.json:
      - a
      - b.lr
    metrics:
    - scores.json:
        cache: false
"""
KEYS = st.sampled_from(["a", "b", "lr", "train", "depth"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(2, 9),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value not in (0, 1)),
    st.sampled_from(["", "foo", "1", "yes", "ä"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, min_size=1, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=2, max_size=5)
FILES = ("params.yaml", "more.json", "tracked.json", "metrics.json", "scores.json")
SIDES = st.fixed_dictionaries(dict.fromkeys(FILES, DOCUMENTS))


class Twins:
    """The same repository twice, one a DVC project and one assay's; HEAD is the old side, the workspace the new."""

    def __init__(self, dvc, git, assay) -> None:
        self.dvc, self.git, self.assay = dvc, git, assay
        self.theirs, self.ours = dvc.new_pair()

    def hold(self, old, new) -> None:
        for root in (self.theirs, self.ours):
            (root / "dvc.yaml").write_text(DVC_YAML)
            for documents in (old, new):
                for name, document in documents.items():
                    (root / name).write_text(json.dumps(document))
                if documents is old:
                    self.git("add", "-A", cwd=root)
                    self.git("commit", "-q", "--allow-empty", "-m", "old", cwd=root)

    def ask(self, theirs: tuple[str, ...], ours: tuple[str, ...]) -> tuple[Any, Any]:
        answer = self.dvc.run(self.theirs, *theirs, "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out), json.loads(self.assay(*ours, "--json", cwd=self.ours).out)


def without_percent(found):
    return {
        file: {key: {name: change[name] for name in change if name != "percent"} for key, change in keys.items()}
        for file, keys in found.items()
    }


def without_nulls(found):
    """The changes without those from nothing to null."""
    kept = {
        file: {key: change for key, change in keys.items() if (change["old"], change["new"]) != (None, None)}
        for file, keys in found.items()
    }
    return {file: keys for file, keys in kept.items() if keys}


OLD, NEW = (
    {"lr": 0.1, "train": {"depth": 3, "on": True}, "b": {"lr": [1, "x", None]}, "a": "old", "gone": {"x": 1}},
    {"lr": 0.30000000000000004, "train": {"depth": 2, "on": False}, "b": {"lr": [1]}, "a": 5, "c": "new"},
)


@pytest.fixture(scope="module")
def made():
    """The twins, once a test has made them."""
    return {}


@pytest.fixture
def twins(made, dvc_process, git, assay):
    return made.setdefault("twins", made.get("twins") or Twins(dvc_process, git, assay))


@settings(max_examples=3)
@example(old=dict.fromkeys(FILES, OLD), new=dict.fromkeys(FILES, NEW))
@given(old=SIDES, new=SIDES)
def test_the_same_changes(old, new, twins):
    twins.hold(old, new)
    for words in (
        ("metrics", "diff"),
        ("metrics", "diff", "--all"),
        ("metrics", "diff", "--targets", "params.yaml"),
        ("params", "diff"),
        ("params", "diff", "--deps"),
        ("params", "diff", "--targets", "tracked.json"),
    ):
        theirs, ours = twins.ask(words, words)
        assert without_nulls(without_percent(ours)) == without_nulls(theirs), words
        if old["params.yaml"] == OLD:
            assert theirs, words
    theirs, ours = twins.ask(("exp", "diff"), ("diff", "--only", "metrics", "--only", "params"))
    for part in ("metrics", "params"):
        assert without_nulls(without_percent(ours[part])) == without_nulls(theirs[part])
