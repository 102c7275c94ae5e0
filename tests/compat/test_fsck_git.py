"""`fsck` of Git's objects, judged by `git fsck --strict`: both see each kind of damage, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from assay.engine.experiments.fsck import fsck
from tests.stores import overwrite
from tests.workspace import Workspace


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A repository with a pack that has deltas, loose objects, branches, a tag, an experiment, an index."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    root = tmp_path_factory.mktemp("fsck") / "p"
    Workspace(root).project.close()
    (root / ".gitignore").write_text("/.assay/\n")

    def git(*words):
        identity = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return subprocess.run(
            ["git", *words], cwd=root, check=True, capture_output=True, text=True, env={**os.environ, **identity}
        ).stdout.strip()

    for number in range(12):
        (root / "sub").mkdir(exist_ok=True)
        (root / "long.txt").write_text("".join(f"line {line * (number if line == 50 else 1)}\n" for line in range(300)))
        (root / f"sub/{number}.txt").write_text(f"file {number}\n")
        git("add", "-A")
        git("commit", "-qm", f"commit {number}")
    git("tag", "-a", "v1", "-m", "tag")
    git("gc", "-q", "--aggressive", "--prune=now")
    (root / "loose.txt").write_text("loose\n")
    git("add", "-A")
    git("commit", "-qm", "loose")
    base = git("rev-parse", "HEAD")
    (root / "exp.txt").write_text("only of the experiment\n")
    git("add", "-A")
    tree = git("write-tree")
    made = git("commit-tree", tree, "-p", base, "-m", "experiment")
    git("update-ref", f"refs/exps/{base[:2]}/{base[2:]}/bright-owl", made)
    git("rm", "-q", "--cached", "exp.txt")
    os.unlink(root / "exp.txt")
    git("update-ref", "refs/heads/side", "HEAD~2")
    return root


@pytest.fixture
def root(template, tmp_path):
    return shutil.copytree(template, tmp_path / "p", symlinks=True)


def real_fsck(root: Path) -> bool:
    """Whether real Git finds everything in order."""
    done = subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=root, capture_output=True, check=False)
    return done.returncode == 0 and not done.stdout and b"error" not in done.stderr


def ours(root: Path, **more):
    ws = Workspace.__new__(Workspace)
    ws.root, ws.events = root, []
    from assay.engine.project import World, open_project
    from tests.workspace import CountingIds, FixedClock

    project = open_project(str(root), World(FixedClock(), CountingIds(), environment={}), ws.events.append)
    try:
        return fsck(project, **more)
    finally:
        project.close()


def the_pack(root: Path, ending: str) -> Path:
    (path,) = (root / ".git/objects/pack").glob(f"*{ending}")
    return path


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    overwrite(path, bytes(data))


def revision(root: Path, name: str) -> str:
    """The id that real Git finds for a revision."""
    done = subprocess.run(["git", "rev-parse", name], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def cut(path: Path, size: int) -> None:
    overwrite(path, path.read_bytes()[:size])


def loose(root: Path, name: str) -> Path:
    oid = subprocess.run(
        ["git", "rev-parse", name], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()
    return root / f".git/objects/{oid[:2]}/{oid[2:]}"


def experiment(root: Path) -> str:
    (path,) = (root / ".git/refs/exps").glob("*/*/bright-owl")
    return path.read_text().strip()


DAMAGE = {
    "a flipped byte at the start of the pack": lambda root: flip(the_pack(root, ".pack"), 20),
    "a flipped byte in the middle of the pack": lambda root: flip(
        the_pack(root, ".pack"), the_pack(root, ".pack").stat().st_size // 2
    ),
    "a flipped byte in the checksum of the pack": lambda root: flip(the_pack(root, ".pack"), -3),
    "a pack that is cut short": lambda root: cut(the_pack(root, ".pack"), -100),
    "an empty pack": lambda root: overwrite(the_pack(root, ".pack"), b""),
    "a pack that is gone": lambda root: the_pack(root, ".pack").unlink(),
    "an index that is gone": lambda root: the_pack(root, ".idx").unlink(),
    "a wrong offset in the index": lambda root: flip(the_pack(root, ".idx"), -60),
    "a wrong id in the index": lambda root: flip(the_pack(root, ".idx"), 8 + 1024 + 5),
    "a wrong check sum in the index": lambda root: flip(the_pack(root, ".idx"), -1),
    "an index that is cut short": lambda root: cut(the_pack(root, ".idx"), 900),
    "a loose blob that is gone": lambda root: loose(root, "HEAD:loose.txt").unlink(),
    "a loose blob that is damaged": lambda root: flip(loose(root, "HEAD:loose.txt"), -2),
    "a loose blob that is empty": lambda root: overwrite(loose(root, "HEAD:loose.txt"), b""),
    "a tree that is gone": lambda root: loose(root, "HEAD^{tree}").unlink(),
    "a commit that is gone": lambda root: loose(root, "HEAD").unlink(),
    "an experiment's commit that is gone": lambda root: loose(root, experiment(root)).unlink(),
    "an experiment's file that is gone": lambda root: loose(root, experiment(root) + ":exp.txt").unlink(),
    "a loose object under another's name": lambda root: overwrite(
        loose(root, "HEAD:loose.txt"), loose(root, "HEAD^{tree}").read_bytes()
    ),
    "a ref that names nothing": lambda root: (root / ".git/refs/heads/bad").write_text("nonsense\n"),
    "a ref to an object that is not there": lambda root: (root / ".git/refs/heads/bad").write_text("ab" * 20 + "\n"),
    "an empty ref": lambda root: (root / ".git/refs/heads/bad").write_text(""),
    "a branch that is no commit": lambda root: (root / ".git/refs/heads/bad").write_text(
        loose(root, "HEAD:loose.txt").parent.name + loose(root, "HEAD:loose.txt").name + "\n"
    ),
    "a packed ref to nowhere": lambda root: (root / ".git/packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted \n" + "cd" * 20 + " refs/heads/packed\n"
    ),
    "an index entry that is not there": lambda root: subprocess.run(
        ["git", "update-index", "--add", "--cacheinfo", "100644," + "ef" * 20 + ",x"], cwd=root, check=True
    ),
}


def test_nothing_is_wrong_where_nothing_is(root):
    assert real_fsck(root)
    assert ours(root).bad == ()


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_git_finds_is_found(root, kind):
    DAMAGE[kind](root)
    assert not real_fsck(root)
    found = ours(root)
    assert not found.is_clean
    assert found.bad


@pytest.mark.parametrize("kind", [kind for kind in DAMAGE if "in the index" in kind or "index that is cut" in kind])
def test_an_index_is_made_again_from_a_sound_pack(root, kind):
    DAMAGE[kind](root)
    assert ours(root, repair=True).is_clean
    assert real_fsck(root)


@pytest.mark.parametrize("kind", [kind for kind in DAMAGE if "loose blob" in kind or "another's" in kind])
def test_a_file_that_the_workspace_still_has_is_written_again(root, kind):
    DAMAGE[kind](root)
    assert ours(root, repair=True).is_clean
    assert real_fsck(root)


def test_who_needs_what_is_lost_is_named(root):
    DAMAGE["an experiment's file that is gone"](root)
    (bad,) = ours(root).bad
    assert [tuple(need) for need in bad.needs] == [("bright-owl", "exp.txt")]


def test_what_only_history_needs_is_named_so(root):
    oid, pack = revision(root, "HEAD~5:long.txt"), the_pack(root, ".pack").read_bytes()
    the_pack(root, ".pack").unlink()
    the_pack(root, ".idx").unlink()
    subprocess.run(["git", "unpack-objects", "-q"], cwd=root, check=True, input=pack)
    (root / f".git/objects/{oid[:2]}/{oid[2:]}").unlink()
    (bad,) = ours(root).bad
    assert bad.name == oid
    assert [need.path for need in bad.needs] == [""]
    assert bad.needs[0].name.startswith("the history of ")


def test_a_shallow_clone_is_in_order(root, tmp_path):
    subprocess.run(["git", "clone", "-q", "--depth", "2", f"file://{root}", tmp_path / "c"], check=True)
    (tmp_path / "c/.assay").mkdir()
    assert ours(tmp_path / "c").bad == ()
