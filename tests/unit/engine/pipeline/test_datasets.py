"""Stages that read data sets: up to date by what lock files say of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.errors import Refused
from assay.engine.pipeline import spec
from assay.engine.pipeline.choice import EVERYTHING
from assay.engine.pipeline.datasets import same
from assay.engine.pipeline.repro import reproduce, statuses
from tests.workspace import Workspace

SPEC = """\
    datasets:
    - {name: ds1, type: url, url: 's3://b/k'}
    - {name: ds2, type: dvc, url: ../x, path: d, rev: main}
    stages:
      s:
        cmd: echo 1 > o
        deps: [ds://ds1, a, ds://ds2]
        outs: [o]
    """
LOCK = """\
    schema: '2.0'
    datasets:
    - name: ds1
      url: s3://b/k
      type: url
      meta:
        isdir: false
        size: 5
        etag: abc
      files:
      - relpath: ''
        meta: {size: 5, etag: abc}
    - name: ds2
      type: dvc
      url: ../x
      path: d
      rev: main
      rev_lock: be83202d43e75fb5a3514dc2b4b6a3305a77ac44
    """
RECORDED = """\
    deps:
    - path: a
      hash: xxh128
      digest: e4c61b1b7ad0a5ebba14b6a1d9c12b4a
      size: 2
    - path: ds://ds1
      dataset:
        name: ds1
        url: s3://b/k
        type: url
        meta:
          size: 5
          etag: abc
        files:
        - relpath: ''
          meta:
            size: 5
            etag: abc
    - path: ds://ds2
      dataset:
        name: ds2
        url: ../x
        type: dvc
        path: d
        rev: main
        rev_lock: be83202d43e75fb5a3514dc2b4b6a3305a77ac44
"""


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path / "project")
    workspace.write("dvc.yaml", SPEC)
    workspace.write("dvc.lock", LOCK)
    workspace.write("a", "1\n")
    yield workspace
    workspace.project.close()


def ran(work: Workspace) -> list[str]:
    work.reopen()
    return list(reproduce(work.project, spec.load(work.project), EVERYTHING).ran)


def test_what_the_lock_file_says_of_a_data_set_is_recorded_as_dvc_does(work: Workspace) -> None:
    assert ran(work) == ["s"]
    text = work.read("dvc.lock")
    before, _, after = RECORDED.partition("e4c61b1b7ad0a5ebba14b6a1d9c12b4a")
    assert before in text
    assert after in text
    assert text.startswith("schema: '2.0'\ndatasets:\n- name: ds1\n")
    assert ran(work) == []


def test_a_data_set_that_is_another_now_makes_its_stage_run(work: Workspace) -> None:
    assert ran(work) == ["s"]
    parts = work.read("dvc.lock").partition("stages:")
    work.write("dvc.lock", parts[0].replace("be83202d", "ce83202d") + parts[1] + parts[2])
    (status,) = statuses(work.project, spec.load(work.project))
    assert "ds://ds2 changed" in str(status.reasons)
    assert ran(work) == ["s"]
    assert ran(work) == []
    assert work.read("dvc.lock").count("ce83202d") == 2


@pytest.mark.parametrize(
    ("old", "new"), [("rev: main", "rev: other"), ("name: ds2", "name: ds3"), ("type: dvc", "type: x")]
)
def test_a_data_set_that_the_lock_file_does_not_know_is_refused(work: Workspace, old: str, new: str) -> None:
    work.write("dvc.yaml", SPEC.replace(old, new))
    with pytest.raises(Refused, match="Stage s reads ds://ds2, and no lock file says what that is now") as caught:
        ran(work)
    assert "dvc ds update ds2" in caught.value.hint
    assert not (work.root / "o").exists()


def test_a_data_set_may_be_named_in_another_file(work: Workspace) -> None:
    datasets, _, stages = SPEC.partition("    stages:")
    work.write("sub/dvc.yaml", datasets)
    work.write("sub/dvc.lock", LOCK)
    work.write("dvc.yaml", "    stages:" + stages)
    (work.root / "dvc.lock").unlink()
    assert ran(work) == ["s"]
    assert ran(work) == []


def test_members_that_say_nothing_do_not_matter() -> None:
    assert same({"name": "a", "meta": {"isdir": False, "size": 1}}, {"name": "a", "meta": {"size": 1}, "files": []})
    assert not same({"name": "a", "meta": {"size": 2}}, {"name": "a", "meta": {"size": 1}})
    assert not same(None, {})
