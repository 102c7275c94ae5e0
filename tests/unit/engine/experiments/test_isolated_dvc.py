"""Runs of their own in DVC projects: settings, caches and data of the kinds that only such projects have."""

from __future__ import annotations

import os
import sys

import pytest

from tests.dvcpairs import legacy_data
from tests.filetree import write

LOCAL = """\
[cache]
    dir = ../../../cache
['remote "near"']
    url = ../../../near
    password = secret
"""
TRAIN = """\
cat imported.txt old/a ../lib/lib.txt params.yaml > model
stat -c %a .dvc/config.local > seen
{python} -c "from assay.cli.dvc.main import main; main(['remote', 'list'])" >> seen
{python} -c "from assay.cli.dvc.main import main; main(['cache', 'dir'])" >> seen
"""
PIPELINE = """\
stages:
  train:
    cmd: sh train.sh
    deps: [imported.txt, old, ../lib/lib.txt]
    params: [lr]
    outs: [model]
    metrics:
    - seen: {cache: false}
"""


@pytest.fixture
def place(tmp_path, git, assay_dvc):
    """A project in a folder of a repository with a submodule; its cache is elsewhere, as its own settings say."""
    other, root = tmp_path / "other", tmp_path / "root"
    for folder in (other, root):
        git("init", "-q", "-b", "main", str(folder))
    write(other, {"lib.txt": "submodule\n"})
    git("add", ".", cwd=other)
    git("commit", "-qm", "lib", cwd=other)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib", cwd=root)
    sub = root / "sub"
    sub.mkdir()
    assay_dvc("init", "--subdir", cwd=sub)
    write(tmp_path, {"source.txt": "imported\n"})
    write(sub, {"dvc.yaml": PIPELINE, "params.yaml": "lr: 1\n", "train.sh": TRAIN.format(python=sys.executable)})
    legacy_data(sub, "old", {"a": b"legacy\r\n"})
    (sub / ".dvc/config.local").write_text(LOCAL)
    os.chmod(sub / ".dvc/config.local", 0o600)
    os.rename(sub / ".dvc/cache", tmp_path / "cache")
    assay_dvc("import-url", "../../source.txt", "imported.txt", cwd=sub)
    git("add", "-A", cwd=root)
    git("commit", "-qm", "first", cwd=root)
    return sub


def tree_of(git, place, name):
    """The tree of an experiment."""
    (ref,) = git("for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{name}", cwd=place).split()
    return git("rev-parse", f"{ref}^{{tree}}", cwd=place)


@pytest.mark.law(2)
def test_a_run_of_its_own_has_all_that_such_a_project_has(place, assay_dvc, git, tmp_path):
    before = git("status", "--porcelain", "--ignored", cwd=place)
    assay_dvc("exp", "run", "--temp", "-n", "apart", "-S", "lr=2", cwd=place)
    assert git("status", "--porcelain", "--ignored", cwd=place) == before
    assert not (place / "model").exists()
    assay_dvc("exp", "run", "--queue", "-n", "queued", "-S", "lr=2", "-f", cwd=place)
    assay_dvc("exp", "run", "--run-all", cwd=place)
    assay_dvc("exp", "run", "-n", "here", "-S", "lr=2", "-f", cwd=place)
    assert (place / "model").read_text() == "imported\nlegacy\nsubmodule\nlr: 2\n"
    mode, remote, cache = (place / "seen").read_text().splitlines()
    assert (mode, remote.split(), cache) == ("600", ["near", f"{tmp_path}/near"], f"{tmp_path}/cache")
    assert tree_of(git, place, "apart") == tree_of(git, place, "queued") == tree_of(git, place, "here")
    assert not list((place / ".dvc/tmp/exps").rglob("config.local"))
    assert not (place / ".dvc/cache").exists()
