"""Imports that no remote has: fetched from where they came from, as real DVC made them, and held against the record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests import githttp, httpserver
from tests.dvcsides import commit
from tests.filetree import write

SOURCE = {
    ".dvc/config": "[core]\n    remote = up\n['remote \"up\"']\n    url = ../../up\n",
    "d/x": "1\n",
    "d/deep/ü": "2\n",
    "f": "3\n",
    "plain.txt": "4\n",
    "mix/git.txt": "5\n",
    "mix/data.txt": "6\n",
    "dvc.yaml": "stages:\n  one:\n    cmd: cp plain.txt made\n    deps: [plain.txt]\n    outs: [made]\n",
}
PATHS = ("d", "d/deep", "f", "plain.txt", "mix", "made")


@pytest.fixture(scope="module")
def template(dvc_process):
    """A project that others import from, its remote beside it, and a project that imported all of it."""
    source = dvc_process.new()
    write(source, SOURCE)
    for words in (["add", "d", "f", "mix/data.txt"], ["repro"], ["push"]):
        assert dvc_process.run(source, *words).code == 0
    commit(source)
    root = source.with_name(f"{source.name}-importing")
    shutil.copytree(dvc_process.new(), root)
    write(root.parent, {"url.txt": "7\n", "urls/a": "8\n", "urls/b/c": "9\n"})
    for path in PATHS:
        said = dvc_process.run(root, "import", f"../{source.name}", path, "-o", path.replace("/", "-"))
        assert said.code == 0, said.err
    for path in ("url.txt", "urls"):
        assert dvc_process.run(root, "import-url", f"../{path}").code == 0
    commit(root)
    return root, source


@pytest.fixture
def imported(template, tmp_path):
    """A clone of both: nothing of the data is here."""
    for one in template:
        shutil.copytree(one, tmp_path / one.name)
    for name in ("url.txt", "urls", "up"):
        there = template[0].parent / name
        (shutil.copytree if there.is_dir() else shutil.copy)(there, tmp_path / name)
    root, source = (tmp_path / one.name for one in template)
    names = [path.stem for path in root.glob("?*.dvc")]
    before = {name: content(root / name) for name in names}
    write(root, {".dvc/cache": None, **dict.fromkeys(names)})
    return root, source, before


def content(path):
    if path.is_file():
        return path.read_bytes()
    return {str(one.relative_to(path)): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


def test_what_was_imported_comes_from_where_it_came_from(imported, dvc_process, assay_dvc):
    root, source, before = imported
    shutil.rmtree(source / ".dvc/cache")
    assert assay_dvc("fetch", cwd=root).out.endswith("files fetched\n")
    assert assay_dvc("fetch", cwd=root).out == "Everything is up to date.\n"
    assay_dvc("pull", cwd=root)
    assert {name: content(root / name) for name in before} == before
    assert dvc_process.run(root, "status").out == "Data and pipelines are up to date.\n"
    assert not list((root / ".dvc/tmp").glob("source-*"))


def test_a_repository_without_a_remote_gives_from_its_cache(imported, assay_dvc):
    root, _, before = imported
    shutil.rmtree(root.parent / "up")
    assay_dvc("pull", "d.dvc", "made.dvc", "mix.dvc", cwd=root)
    assert {name: content(root / name) for name in ("d", "made", "mix")} == {
        name: before[name] for name in ("d", "made", "mix")
    }


def test_a_repository_behind_http_is_asked_for_that_commit(imported, assay_dvc, git, clean_environment):
    root, source, before = imported
    git("clone", "-q", "--bare", "--no-local", str(source), str(root.parent / "bare.git"))
    with githttp.serving(root.parent) as host:
        for name in ("d", "plain.txt"):
            text = (root / f"{name}.dvc").read_text().replace(f"url: ../{source.name}", f"url: {host.url}/bare.git")
            remote = f"    remote:\n      url: {root.parent}/up\nouts:"
            (root / f"{name}.dvc").write_text(text.replace("outs:", remote, 1))
        assay_dvc("pull", "d.dvc", "plain.txt.dvc", cwd=root)
    assert (content(root / "d"), content(root / "plain.txt")) == (before["d"], before["plain.txt"])


def test_a_source_that_changed_is_told_and_nothing_of_it_is_taken(imported, assay_dvc):
    root, _, _ = imported
    write(root.parent, {"url.txt": "other\n", "urls/a": "other\n"})
    said = assay_dvc("fetch", "url.txt.dvc", "urls.dvc", cwd=root, code=1)
    assert said.err.count("is not what was recorded any more") == 2
    assert not [path for path in (root / ".dvc/cache").rglob("*") if path.is_file()]


def test_news_of_sources_are_told_unless_nobody_wants_them(imported, dvc_process, assay_dvc):
    root, source, _ = imported
    assay_dvc("pull", cwd=root)
    for words in ([], ["--no-updates"]):
        assert assay_dvc("status", *words, cwd=root).out == dvc_process.run(root, "status", *words).out
    write(source, {"plain.txt": "new\n"})
    commit(source)
    for words in (["--json"], ["d.dvc"], ["--no-updates"]):
        ours, theirs = assay_dvc("status", *words, cwd=root), dvc_process.run(root, "status", *words)
        assert (json.loads(ours.out) if "--json" in words else ours.out) == (
            json.loads(theirs.out) if "--json" in words else theirs.out
        )
    assert "update available" in assay_dvc("status", cwd=root).out
    shutil.rmtree(source)
    said = assay_dvc("status", cwd=root)
    assert "There is no Git repository" in said.err
    assert "update available" not in said.out


def test_a_source_that_is_gone_is_one_sentence_and_the_others_come(imported, assay_dvc):
    root, source, before = imported
    shutil.rmtree(source)
    said = assay_dvc("fetch", cwd=root, code=1)
    assert f"There is no Git repository at {source}" in said.err
    assay_dvc("checkout", "url.txt.dvc", cwd=root)
    assert content(root / "url.txt") == before["url.txt"]


def test_an_import_over_http_is_verified(dvc_process, assay_dvc):
    root = dvc_process.new()
    with httpserver.serving() as server:
        assert dvc_process.run(root, "import-url", f"{server.url}/etag/a", "a").code == 0
        before = (root / "a").read_bytes()
        write(root, {".dvc/cache": None, "a": None})
        assay_dvc("pull", cwd=root)
        assert (root / "a").read_bytes() == before
        write(root, {".dvc/cache": None, "a": None})
        server.versions["etag/a"] = 1
        assert "is not what was recorded" in assay_dvc("fetch", cwd=root, code=1).err


def never_brought(root: Path, names: Iterable[str]) -> None:
    """Makes of these imports what ``--no-download`` leaves of them."""
    for name in names:
        said = yaml.safe_load((root / f"{name}.dvc").read_text())
        said["outs"] = [{"hash": "md5", "path": name}]
        (root / f"{name}.dvc").write_text(yaml.safe_dump(said, sort_keys=False))


def test_what_was_never_brought_comes_with_a_pull_and_stays_unrecorded(imported, dvc_process, assay_dvc):
    root, _, before = imported
    never_brought(root, before)
    texts = {path.name: path.read_bytes() for path in root.glob("?*.dvc")}
    theirs = root.with_name("theirs")
    shutil.copytree(root, theirs)
    names = ["d", "plain.txt", "mix", "url.txt"]  # of a folder at a path of this machine DVC takes nothing
    assert dvc_process.run(theirs, "pull", *names).code == 0
    said = assay_dvc("pull", *names, cwd=root)
    assert {name: content(root / name) for name in names} == {name: content(theirs / name) for name in names}
    assert said.out.endswith("fetched and 7 files added\n")
    assert not (root / "urls").exists()
    assay_dvc("fetch", "urls", cwd=root)
    assay_dvc("checkout", "urls", cwd=root)
    assert content(root / "urls") == before["urls"]
    assay_dvc("pull", cwd=root)
    assert {name: content(root / name) for name in before} == before
    assert {path.name: path.read_bytes() for path in root.glob("?*.dvc")} == texts
    (root / "plain.txt").write_text("mine")
    assert assay_dvc("pull", cwd=root).out == "Everything is up to date.\n"
    assert (root / "plain.txt").read_text() == "mine"


def test_of_what_was_never_brought_nothing_else_is_taken_than_was_there(imported, assay_dvc):
    root, _, before = imported
    never_brought(root, ["url.txt", "d"])
    (root.parent / "url.txt").write_text("another\n")
    said = assay_dvc("pull", "url.txt", "d", cwd=root, code=1)
    assert "../url.txt is not what was recorded any more" in said.err
    assert not (root / "url.txt").exists()
    assert content(root / "d") == before["d"]


@pytest.fixture
def shared(dvc_process, assay_dvc, git, tmp_path):
    """A clone of a project that another one has an experiment of; the experiment imported newer data."""
    source, root = dvc_process.new(), dvc_process.new()
    write(source, {"d/x": "old\n"})
    assay_dvc("add", "d", cwd=source)
    commit(source)
    write(root, {".dvc/config": f"[core]\n    remote = up\n['remote \"up\"']\n    url = {tmp_path}/up\n"})
    write(root, {"dvc.yaml": "stages: {s: {cmd: cat d/x > o, deps: [d], outs: [o]}}\n"})
    assay_dvc("import", str(source), "d", cwd=root)
    write(tmp_path, {"late.txt": "late\n"})
    assay_dvc("import-url", "--no-download", str(tmp_path / "late.txt"), "late", cwd=root)
    commit(root)
    write(source, {"d/x": "new\n"})
    assay_dvc("add", "d", cwd=source)
    commit(source)
    assay_dvc("update", "d.dvc", cwd=root)
    assay_dvc("exp", "run", "-n", "newer", cwd=root)
    assay_dvc("push", cwd=root)
    git("clone", "-q", str(root), str(tmp_path / "clone"))
    return tmp_path / "clone", root, source


def test_experiments_come_with_what_they_imported_as_with_dvc(shared, dvc_process, assay_dvc, assay):
    there, root, source = shared
    theirs = there.with_name("theirs")
    shutil.copytree(there, theirs)
    assert dvc_process.run(theirs, "exp", "pull", str(root), "newer").code == 0
    shutil.copytree(there, there.with_name("ours"))
    assay_dvc("exp", "pull", str(root), "newer", cwd=there.with_name("ours"))
    assert objects(there.with_name("ours")) >= objects(theirs)
    assay("config", "--local", "exp.git_remote", "origin", cwd=there)
    assay("pull", cwd=there)
    assert content(there / "d") == {"x": b"old\n"}
    assert content(there / "late") == b"late\n"
    assay("apply", "newer", cwd=there)
    assert content(there / "d") == {"x": b"new\n"}
    shutil.rmtree(there / ".dvc/cache")
    shutil.move(source, source.with_name(f"{source.name}-gone"))
    said = assay("pull", "newer", cwd=there, code=255)
    assert "error: d of " in said.err
    assert "newer" in assay("list", cwd=there).out


def objects(root: Path) -> set[str]:
    cache = root / ".dvc/cache/files"
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}
