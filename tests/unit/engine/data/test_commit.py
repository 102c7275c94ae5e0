"""``commit``: what lies there is recorded, and no run is claimed that never was."""

from __future__ import annotations

import pytest

from assay.engine.data.add import add
from assay.engine.data.commit import How, commit
from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import load

STAGES = """\
stages:
  up:
    cmd: tr a-z A-Z < a.txt > up.txt
    deps: [a.txt]
    outs: [up.txt]
"""


@pytest.fixture
def ran(built):
    """A project whose stage ran on tracked data."""
    built.write({"a.txt": "a", "dvc.yaml": STAGES})
    add(built.project, ["a.txt"])
    reproduce(built.project, load(built.project))
    return built


def size_of_up(built):
    """What is recorded of the stage's output."""
    entry = Locks(built.project).entry(load(built.project).stages["up"])
    return entry.outs["up.txt"].size


def test_nothing_changed(ran):
    assert commit(ran.project) == ((), (), False)


def test_edited_outputs_and_data(ran):
    ran.write({"up.txt": "by hand"})
    assert commit(ran.project).written == ("dvc.lock",)
    assert size_of_up(ran) == 7


@pytest.mark.parametrize("target", ["a.txt", "a.txt.dvc"])
def test_one_target(ran, target):
    ran.write({"a.txt": "edited", "up.txt": "by hand"})
    assert commit(ran.project, [target]).written == ("a.txt.dvc",)
    assert size_of_up(ran) == 1


def test_changed_inputs_need_force_or_a_yes(ran):
    ran.write({"a.txt": "edited", "up.txt": "by hand"})
    with pytest.raises(Refused, match="never was"):
        commit(ran.project, ["up"])
    with pytest.raises(Refused):
        commit(ran.project, ["up"], How(ask=lambda _: False))
    assert size_of_up(ran) == 1
    asked = []
    assert commit(ran.project, ["up"], How(ask=lambda question: not asked.append(question))).written == ("dvc.lock",)
    assert "a.txt" in asked[0]
    ran.write({"a.txt": "once more"})
    assert commit(ran.project, ["up"], How(force=True, with_deps=True)).written == ("a.txt.dvc", "dvc.lock")


def test_a_refusal_leaves_data_alone(ran):
    ran.write({"a.txt": "edited"})
    before = (ran.folder / "a.txt.dvc").read_text()
    with pytest.raises(Refused):
        commit(ran.project)
    assert (ran.folder / "a.txt.dvc").read_text() == before


def test_what_is_not_there_stays_as_it_was(ran):
    (ran.folder / "up.txt").unlink()
    assert commit(ran.project) == ((), ("up",), False)
    (ran.folder / "a.txt").unlink()
    with pytest.raises(BadInput, match=r"a\.txt"):
        commit(ran.project, ["a.txt"])
    with pytest.raises(UsageError):
        commit(ran.project, ["nothing"])
