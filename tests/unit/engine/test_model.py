"""What the ref of an experiment says of it."""

from __future__ import annotations

import pytest

from assay.engine.model import ExpRef, Oid, start_of

OID = Oid(bytes(range(20)))


def test_the_ref_of_an_experiment_names_its_baseline() -> None:
    assert start_of(ExpRef(OID, "one").refname) == OID
    assert start_of(ExpRef(OID, "").refname.rstrip("/")) == OID


@pytest.mark.parametrize(
    "refname",
    [
        "refs/heads/main",
        "refs/exps/stash",
        "refs/exps/exec/EXEC_HEAD",
        "refs/exps/celery/stash",
        f"refs/exps/ab/{'c' * 37}/x",
        f"refs/exps/ab/{'c' * 37}",
        f"refs/exps/ab/{'c' * 39}/x",
        f"refs/exps/ab/{'g' * 38}/x",
        f"refs/exps/ab/{'c' * 38}/x/y",
        f"refs/exps/abc/{'c' * 37}/x",
        f"refs/heads/ab/{'c' * 38}/x",
        "",
    ],
)
def test_refs_of_other_shapes_name_none(refname: str) -> None:
    assert start_of(refname) is None
