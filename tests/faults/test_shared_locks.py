"""A process that is killed at any step of taking or giving back the locks of DVC is in nobody's way afterwards."""

from __future__ import annotations

import itertools
import json

import pytest

from assay.engine.events import silent
from assay.engine.sharedlocks import SharedLocks
from tests.faults.kills import killed_at


@pytest.mark.law(4)
def test_killed_at_every_step(tmp_path):
    def act():
        locks = SharedLocks(str(tmp_path), "locks", "assay run", silent)
        with locks.hold(), locks.using(read=["in"], write=["out"]), locks.released():
            pass

    for step in itertools.count():
        if not killed_at(step, act):
            break
        locks = SharedLocks(str(tmp_path), "locks", "assay save", silent)
        with locks.hold(), locks.using(write=[""]), locks.changing(["refs/exps/a"]):
            pass
        for name in ("rwlock", "exps/rwlock"):
            assert json.loads((tmp_path / "locks" / name).read_text()) == {}
    assert step > 20
