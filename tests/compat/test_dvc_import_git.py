"""`assay-dvc import`, `update`, `get` and `list` do and print what DVC's do of other Git repositories."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests import githttp
from tests.dvcsides import Sides, commit
from tests.filetree import write
from tests.programs import ROOT

SOURCE = {
    ".dvc/config": "[core]\n    remote = up\n"
    + "".join(f"['remote \"{name}\"']\n    url = ../../{name}\n" for name in ("up", "other")),
    "d/x": "1\n",
    "d/deep/y": "2\n",
    "f": "3\n",
    "plain.txt": "4\n",
    "mix/git.txt": "5\n",
    "mix/data.txt": "6\n",
    "run.sh": "#!/bin/sh\n",
    "sub/k": "k",
    "dvc.yaml": "stages:\n  one:\n    cmd: cp plain.txt made\n    deps: [plain.txt]\n    outs: [made]\n",
}


@pytest.fixture(scope="module")
def made(dvc_process, tmp_path_factory):
    """A project that shares data, with its remotes beside it, and a repository that is no project of DVC's."""
    above = tmp_path_factory.mktemp("made")
    source, plain = above / "source", above / "plain"
    shutil.copytree(dvc_process.new(), source)
    write(source, SOURCE)
    (source / "run.sh").chmod(0o755)
    for words in (["add", "d", "f", "mix/data.txt"], ["repro"], ["push"], ["push", "-r", "other"]):
        assert dvc_process.run(source, *words).code == 0
    commit(source, "v1")
    write(source, {"plain.txt": "44\n", "d/x": "11\n"})
    for words in (["add", "d"], ["repro"], ["push"], ["push", "-r", "other"]):
        assert dvc_process.run(source, *words).code == 0
    commit(source, "v2")
    shutil.copytree(dvc_process.new(), plain)
    write(plain, {".dvc": None, "a/b.txt": "b\n", "c": "c\n"})
    (plain / "c").chmod(0o755)
    commit(plain)
    return above


@pytest.fixture
def sides(dvc_process, assay_dvc, made, tmp_path):
    """Two empty projects, with copies of the repositories beside both of them."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    root = dvc_process.new()
    write(root, {"sub/here": "here", "my.conf": "[core]\n    remote = other\n"})
    return Sides(dvc_process, assay_dvc, root, tmp_path)


REPO, PLAIN = "../../source", "../../plain"


def test_imports_are_dvcs(sides):
    sides.same("import", REPO, "d")
    sides.same("import", REPO, "f", "-o", "sub")
    sides.same("import", REPO, "plain.txt", "-o", "p", "--rev", "v1")
    sides.same("import", REPO, "mix")
    sides.same("import", REPO, "d/deep", "--rev", "v1")
    sides.same("import", REPO, "made", "--remote", "other")
    sides.same("import", REPO, ".", "-o", "whole")
    sides.same("import", REPO, "f", "-o", "f3", "--remote", "other", "--remote-config", "jobs=2")
    sides.same("import", PLAIN, "a")
    sides.same("import", PLAIN, "c", "--no-download", "-o", "later")
    sides.same("import", PLAIN, "c", "--no-exec", "-o", "never")
    sides.same("import", REPO, "f", "-o", "f4", "--config", "my.conf")
    sides.same("import", REPO, "d")
    sides.same("import", REPO, "f.dvc")
    sides.same_files()


def test_imports_follow_what_they_came_from(sides, tmp_path):
    sides.same("import", REPO, "d")
    sides.same("import", REPO, "plain.txt", "-o", "p", "--rev", "v1")
    sides.same("import", PLAIN, "c", "--no-exec", "-o", "never")
    sides.same("update", "d.dvc", "p")
    sides.same("update", "--rev", "v2", "p.dvc")
    write(tmp_path / "plain", {"c": "changed\n"})
    commit(tmp_path / "plain")
    sides.same("update", "never.dvc")
    sides.same("update", "--rev", "v1", "d.dvc")
    sides.same("update", "--to-remote", "d.dvc")
    sides.same("update", "--rev", "nope", "d.dvc")
    sides.same_files()


def test_an_import_is_what_its_commit_has(sides, tmp_path):
    """DVC takes what lies in the folder, and records the commit."""
    write(tmp_path / "source", {"plain.txt": "not committed\n"})
    sides.same("import", REPO, "plain.txt")
    assert (sides.ours / "plain.txt").read_text() == "44\n"
    assert (sides.theirs / "plain.txt").read_text() == "not committed\n"


def test_getting_brings_what_dvc_brings(sides):
    sides.same("get", REPO, "f")
    sides.same("get", REPO, "f")
    sides.same("get", REPO, "d/x", "-o", "f", "-f")
    sides.same("get", REPO, "d", "-o", "o/p", "--rev", "v1")
    sides.same("get", REPO, "mix", "-o", "sub")
    sides.same("get", REPO, "made", "--remote", "other", "-j", "2")
    sides.same("get", PLAIN, "a")
    sides.same("get", REPO, "f.dvc")
    sides.same("get", REPO, "d", "-o", "no", "--rev", "nope")
    sides.same("get", "../../nowhere", "d", "-o", "no")
    sides.same_files()


def test_where_data_is_shown_as_by_dvc(sides):
    for words in (["d"], ["d/x", "--rev", "v1"], ["plain.txt"], ["made", "--remote", "other"], ["f", "--remote", "no"]):
        sides.same("get", REPO, "--show-url", *words)


LISTS = [[], ["-R", "-L", "2"], ["--dvc-only", "-R"],
         ["-R", "--json"], ["--size", "--show-hash"], ["-T"], ["-T", "--size", "--show-hash"], ["-T", "--dvc-only"],
         ["-T", "-L", "1"]]  # fmt: skip


FEW = [["-R", "--json"], ["-T", "--size", "--show-hash"], ["-L", "0", "-R"]]


@pytest.mark.parametrize("path", [["d"], ["mix"], ["d/x"], ["--rev", "v1"], ["d", "--rev", "v1"]], ids=" ".join)
def test_listing_says_what_dvc_says(sides, path):
    for words in FEW:
        sides.same("list", REPO, *path, *words, ordered=True)


def test_what_lies_in_a_folder_is_listed(sides, tmp_path):
    source = tmp_path / "source"
    write(source, {"d/x": None, "d/new": "n", "f": None, "new.txt": "n", ".dvcignore": "odd\n", "odd": "o"})
    for words in LISTS:
        sides.same("list", REPO, *words, ordered=True)
    sides.same("list", PLAIN, "-R", "--json")
    sides.same("list", REPO, "nope")
    sides.same("list", REPO, "--rev", "nope")
    sides.same("list", "../../nowhere")
    sides.same("list", REPO, "--tree", "--json")


def without_git(root, *words):
    """Runs a command line in a process that finds no program."""
    code = "import sys; from assay.cli.dvc.main import main; sys.exit(main(sys.argv[1:]))"
    environment = {"PATH": str(root / "nothing"), "PYTHONPATH": str(ROOT), "HOME": str(root)}
    subprocess.run([sys.executable, "-c", code, *words], cwd=root, env=environment, check=True)


def test_a_repository_behind_http_needs_no_git(sides, assay_dvc, dvc_process, git, tmp_path):
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", "--no-local", str(tmp_path / "source"), str(bare))
    up = f"url={tmp_path}/up"
    with githttp.serving(tmp_path) as host:
        url = f"{host.url}/bare.git"
        said = dvc_process.run(sides.theirs, "import", url, "d", "--rev", "v1", "--remote-config", up)
        assert said.code == 0, said.err
        words = ["import", url, "d", "--rev", "v1", "--remote-config", up]
        without_git(sides.ours, "--quiet", *words)
        assay_dvc("get", url, "run.sh", "-o", "got", cwd=tmp_path)
        listed = assay_dvc("list", url, "-R", "--dvc-only", cwd=tmp_path).out
    sides.same_files()
    assert (tmp_path / "got").read_text() == SOURCE["run.sh"]
    assert listed.splitlines()[-3:] == ["f", "made", "mix/data.txt"]
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith((".assay-tmp-", "source-"))]
