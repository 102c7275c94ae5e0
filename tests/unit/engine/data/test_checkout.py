"""``checkout``: what is recorded comes back, and nothing is lost on the way."""

from __future__ import annotations

import os
import shutil

import pytest

from assay.engine.data.add import add
from assay.engine.data.checkout import How, checkout
from assay.engine.errors import UsageError, WouldLose
from assay.engine.pipeline.choice import Choice
from assay.engine.pipeline.repro import reproduce
from assay.engine.pipeline.spec import load
from assay.engine.workspace.undo import records, undo

STAGES = """\
stages:
  up:
    cmd: mkdir -p sub && tr a-z A-Z < a.txt > sub/up.txt
    deps: [a.txt]
    outs: [sub/up.txt]
  len:
    cmd: wc -c < sub/up.txt > len.txt
    deps: [sub/up.txt]
    outs: [len.txt]
  later:
    cmd: echo > later.txt
    outs: [later.txt]
"""


@pytest.fixture
def data(built):
    """A project with a tracked folder and a tracked file."""
    built.write({"data/a": "1", "data/sub/b": "2", "data/sub/c": "3", "f": "f"})
    add(built.project, ["data", "f"])
    return built


def files(built, folder="data"):
    """What lies in a folder, with content."""
    top = built.folder / folder
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


def test_what_is_gone_comes_back(data):
    shutil.rmtree(data.folder / "data")
    (data.folder / "f").unlink()
    done = checkout(data.project)
    assert done.states == {"data": "A", "f": "A"}
    assert done.counts == (4, 0, 0)
    assert files(data) == {"a": "1", "sub/b": "2", "sub/c": "3"}
    assert done.undo == 0


def test_the_same_again_does_nothing(data):
    done = checkout(data.project)
    assert (done.states, done.counts, done.missing, done.undo) == ({}, (0, 0, 0), {}, 0)
    assert records(data.project) == []


def edit(data):
    """One file changed, one added, one removed."""
    data.write({"data/a": "changed", "data/new": "new"})
    (data.folder / "data/sub/b").unlink()


def test_what_is_in_no_cache_stops_it(data):
    edit(data)
    with pytest.raises(WouldLose, match="data/a, data/new"):
        checkout(data.project)
    assert files(data) == {"a": "changed", "new": "new", "sub/c": "3"}


@pytest.mark.law(2)
def test_force_replaces_it_and_undo_gives_it_back(data):
    edit(data)
    done = checkout(data.project, how=How(force=True))
    assert done.states == {"data": "M"}
    assert done.counts == (1, 1, 1)
    assert files(data) == {"a": "1", "sub/b": "2", "sub/c": "3"}
    undo(data.project)
    assert files(data) == {"a": "changed", "new": "new", "sub/c": "3"}


@pytest.mark.law(2)
def test_force_does_not_take_what_cannot_be_kept(data):
    os.mkfifo(data.folder / "data/pipe")
    with pytest.raises(WouldLose, match="data/pipe"):
        checkout(data.project, how=How(force=True))
    assert (data.folder / "data/pipe").exists()


def test_a_path_inside_a_tracked_folder(data):
    edit(data)
    done = checkout(data.project, ["data/sub"])
    assert done.counts == (1, 0, 0)
    assert files(data) == {"a": "changed", "new": "new", "sub/b": "2", "sub/c": "3"}
    done = checkout(data.project, ["data/a", "data/new"], How(force=True))
    assert done.counts == (0, 1, 1)
    with pytest.raises(UsageError, match="holds no data/nothing"):
        checkout(data.project, ["data/nothing"])


def test_targets_are_relative_to_a_folder(data):
    data.write({"in/x": "x"})
    add(data.project, ["in/x"])
    (data.folder / "in/x").unlink()
    assert checkout(data.project, ["x.dvc"], How("in")).states == {"in/x": "A"}
    assert checkout(data.project, ["../f"], How("in")).states == {}


@pytest.mark.parametrize("target", ["nothing", "../x", "", "in"])
def test_a_target_that_means_nothing(data, target):
    with pytest.raises(UsageError):
        checkout(data.project, [target])


def lose(built, *paths):
    """Removes the cache, but for what these files hold."""
    shutil.rmtree(built.project.cache_folder)
    shutil.rmtree(built.project.tmp)
    built.reopened()
    with built.project.cache.writer() as writer:
        for path in paths:
            writer.add_file(str(built.folder / path))


def test_what_the_cache_lacks_is_named_and_the_rest_is_done(data):
    data.write({"g": "gg"})
    add(data.project, ["g"])
    lose(data, "g")
    for name in ("f", "g"):
        (data.folder / name).unlink()
    shutil.rmtree(data.folder / "data")
    done = checkout(data.project)
    assert done.states == {"g": "A"}
    assert list(done.missing) == ["data", "f"]
    assert "data" in done.error.message
    assert "f" in done.error.message


def test_a_folder_that_is_there_in_part(data):
    digest = load(data.project).data["data.dvc"].cached["data"].digest
    manifests = {name: data.project.cache.read(item) for name, item in _manifests(data, digest)}
    lose(data, "data/a")
    with data.project.cache.writer() as writer:
        for content in manifests.values():
            writer.add_bytes(content, is_dir=True)
    shutil.rmtree(data.folder / "data")
    done = checkout(data.project, ["data"])
    assert files(data) == {"a": "1"}
    assert done.missing == {"data": "The cache lacks data/sub/b, data/sub/c."}


def _manifests(built, digest):
    from assay.engine.model import Artifact
    from assay.engine.store.manifest import digests_of

    found = digests_of(built.project.cache, Artifact(digest, 0, 0))
    return [(str(item), item) for item in found if item.is_dir]


def test_stages_and_what_they_need(built):
    built.write({"a.txt": "a", "dvc.yaml": STAGES})
    add(built.project, ["a.txt"])
    reproduce(built.project, load(built.project), Choice(targets=("len",)))

    def gone():
        for name in ("sub/up.txt", "len.txt", "a.txt"):
            (built.folder / name).unlink(missing_ok=True)

    gone()
    assert list(checkout(built.project, ["len"]).states) == ["len.txt"]
    gone()
    assert set(checkout(built.project, ["len"], How(with_deps=True)).states) == {"a.txt", "sub/up.txt", "len.txt"}
    gone()
    assert list(checkout(built.project, ["sub"], How(recursive=True)).states) == ["sub/up.txt"]
    with pytest.raises(UsageError, match="neither"):
        checkout(built.project, ["sub"])
    gone()
    assert checkout(built.project).missing == {}
    done = checkout(built.project, ["later"])
    assert done.missing == {"later.txt": "Nothing is recorded of later.txt."}
    assert done.error.hint == "`assay repro` makes what a stage writes, and records it."


def test_relink(data):
    data.write({".assay/config.local": "[cache]\n    type = symlink\n"})
    data.reopened()
    assert checkout(data.project).relinked == 0
    assert checkout(data.project, how=How(relink=True)).relinked == 4
    assert (data.folder / "data/a").is_symlink()
    data.write({".assay/config.local": ""})
    data.reopened()
    checkout(data.project, ["data"], How(relink=True))
    assert not (data.folder / "data/a").is_symlink()


def test_what_dvcignore_names_is_left_alone(data):
    data.write({".dvcignore": "*.tmp\n", "data/x.tmp": "x"})
    assert checkout(data.project).states == {}
    assert (data.folder / "data/x.tmp").exists()
