"""Refs that we write, judged by the real Git, and locks that both respect."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading

import pytest

from assay.engine import disk
from assay.engine.errors import GitError, Locked, RefConflict
from assay.engine.git import reflocks
from assay.engine.git.repository import Repository
from assay.engine.model import Oid, Signature

WHO = Signature("A U Thor", "author@example.com", 1700000000, 60)


@pytest.fixture
def repo(tmp_path, git):
    """Two commits, an annotated tag on the first, a remote's HEAD, one experiment."""
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("tag", "-a", "v1", "-m", "v1")
    git("commit", "-q", "--allow-empty", "-m", "two")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    git("update-ref", "refs/exps/aa/bb/e1", "HEAD")
    with_git = Repository.open(str(tmp_path / ".git"), worktree=str(tmp_path))
    yield with_git
    with_git.close()


def oid(git, name):
    return Oid(bytes.fromhex(git("rev-parse", "--verify", name)))


def shown(git, **where):
    """What Git says the refs are."""
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", **where).splitlines()
    return [(name, Oid(bytes.fromhex(value))) for name, value in (line.split(" ") for line in lines)]


def check(git, repo):
    assert list(repo.refs.iterate()) == shown(git)
    assert "error" not in git("fsck", "--strict", "--no-dangling")
    assert git("status", "--porcelain") == ""


def test_packing_keeps_what_annotated_tags_lead_to(repo, git):
    before = git("show-ref", "-d")
    repo.refs.pack("refs/")
    assert git("show-ref", "-d") == before
    assert git("describe", "HEAD^") == "v1"
    assert "refs/tags/v1^{}" in git("ls-remote", ".")
    assert not os.path.exists(f"{repo.git_dir}/refs/tags/v1")
    check(git, repo)


def test_a_tag_that_moves_is_peeled_again(repo, git):
    repo.refs.pack("refs/")
    git("tag", "-f", "-a", "v1", "-m", "again", "HEAD")
    repo.refs.pack("refs/")
    assert git("rev-parse", "v1^{commit}") == git("rev-parse", "HEAD")
    assert git("for-each-ref", "--format=%(*objectname)", "refs/tags/v1") == git("rev-parse", "HEAD")


def test_a_file_whose_header_lied_about_peeling_is_made_true(repo, git):
    git("pack-refs", "--all")
    path = f"{repo.git_dir}/packed-refs"
    with open(path, "rb") as file:
        lines = [line for line in file if line[:1] not in b"#^"]
    with open(path, "wb") as file:
        file.write(b"# pack-refs with: peeled \n" + b"".join(lines))
    git("update-ref", "refs/exps/aa/bb/e2", "HEAD")
    repo.refs.pack()
    assert git("describe", "HEAD^") == "v1"
    check(git, repo)


def test_packing_leaves_symbolic_refs_symbolic(repo, git):
    repo.refs.pack("refs/")
    assert git("symbolic-ref", "refs/remotes/origin/HEAD") == "refs/remotes/origin/main"
    assert git("symbolic-ref", "HEAD") == "refs/heads/main"


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename"])
def test_packing_on_a_full_disk_loses_no_ref(repo, git, step):
    before = shown(git)

    def full(now, path):
        if now == step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    with disk.injected(full), pytest.raises(GitError):
        repo.refs.pack("refs/")
    assert shown(git) == before
    check(git, repo)


def test_a_change_while_refs_are_packed_is_not_lost(repo, git):
    old, new = oid(git, "HEAD^"), oid(git, "HEAD")
    git("update-ref", "refs/exps/aa/bb/e1", old.hex())
    changed = []

    def between(step, path):
        if step == "rename" and path.endswith("packed-refs") and not changed:
            changed.append(git("update-ref", "refs/exps/aa/bb/e1", new.hex(), old.hex()))

    with disk.injected(between):
        repo.refs.pack()
    assert changed
    assert oid(git, "refs/exps/aa/bb/e1") == new


def test_a_deletion_brings_no_older_value_back(repo, git, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.05)
    git("update-ref", "refs/exps/aa/bb/e1", "HEAD^")
    git("pack-refs", "--all")
    git("update-ref", "refs/exps/aa/bb/e1", "HEAD")
    lock = f"{repo.git_dir}/packed-refs.lock"
    with open(lock, "xb"):
        pass
    with pytest.raises(Locked), repo.refs.transaction() as change:
        change.delete("refs/exps/aa/bb/e1")
    assert oid(git, "refs/exps/aa/bb/e1") == oid(git, "HEAD")
    os.unlink(lock)
    with repo.refs.transaction() as change:
        change.delete("refs/exps/aa/bb/e1")
    assert git("rev-parse", "-q", "--verify", "refs/exps/aa/bb/e1", check=False) == ""
    check(git, repo)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["refs/exps/aa/bb", "refs/exps/aa/bb/e1/x"])
def test_no_ref_is_made_above_or_below_another(repo, git, packed, name):
    if packed:
        git("pack-refs", "--all")
    with pytest.raises(RefConflict), repo.refs.transaction() as change:
        change.put(name, oid(git, "HEAD"))
    check(git, repo)


def test_packed_refs_is_sorted_and_says_so(repo, git):
    head = oid(git, "HEAD")
    with repo.refs.transaction() as change:
        for name in ("z", "a", "m", "é", "a-b", "a.b", *map(str, range(30))):
            change.create(f"refs/exps/cc/dd/{name}", head)
    with open(f"{repo.git_dir}/packed-refs", "rb") as file:
        header, *lines = file.read().splitlines()
    assert header == b"# pack-refs with: peeled fully-peeled sorted "
    names = [line[41:] for line in lines if not line.startswith(b"^")]
    assert names == sorted(names)
    assert len(names) == 36
    check(git, repo)
    git("pack-refs", "--all")
    assert list(repo.refs.iterate()) == shown(git)


def test_what_git_packs_and_deletes_is_seen(repo, git):
    assert list(repo.refs.iterate()) == shown(git)
    git("pack-refs", "--all", "--prune")
    assert list(repo.refs.iterate()) == shown(git)
    git("update-ref", "-d", "refs/exps/aa/bb/e1")
    assert repo.refs.read("refs/exps/aa/bb/e1") is None
    git("update-ref", "refs/exps/aa/bb/e1", "HEAD^")
    assert repo.refs.read("refs/exps/aa/bb/e1") == oid(git, "HEAD^")


def test_many_deletions_at_once(repo, git):
    head = oid(git, "HEAD")
    with repo.refs.transaction() as change:
        for number in range(50):
            change.create(f"refs/exps/cc/{number % 7}/{number}", head)
    with repo.refs.transaction() as change:
        for number in range(0, 50, 2):
            change.delete(f"refs/exps/cc/{number % 7}/{number}", head)
    assert git("for-each-ref", "refs/exps/cc").count("\n") == 24
    check(git, repo)


def test_git_waits_for_our_locks_and_gives_up(repo, git):
    change = repo.refs.transaction()
    change.put("refs/exps/aa/bb/e1", oid(git, "HEAD^"))
    change.prepare()
    command = ["git", "update-ref", "refs/exps/aa/bb/e1", "HEAD^"]
    done = subprocess.run(command, cwd=repo.worktree, capture_output=True, text=True, check=False)
    assert "File exists" in done.stderr
    change.commit()
    git("update-ref", "refs/exps/aa/bb/e1", "HEAD")


def test_we_wait_for_gits_locks_and_give_up(repo, git, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.2)
    command = ["git", "update-ref", "--stdin"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=repo.worktree, text=True, **pipes) as holder:
        holder.stdin.write("start\nupdate refs/exps/aa/bb/e1 HEAD^\nprepare\n")
        holder.stdin.flush()
        assert [holder.stdout.readline().strip() for _ in range(2)] == ["start: ok", "prepare: ok"]
        with pytest.raises(Locked, match="locked by another program"), repo.refs.transaction() as change:
            change.put("refs/exps/aa/bb/e1", oid(git, "HEAD"))
        threading.Timer(0.1, lambda: holder.communicate("commit\n")).start()
        monkeypatch.setattr(reflocks, "PATIENCE", 20)
        with repo.refs.transaction() as change:
            change.update("refs/exps/aa/bb/e1", oid(git, "HEAD"), oid(git, "HEAD^"))
    check(git, repo)


def test_of_git_and_us_exactly_one_creates_a_ref(repo, git):
    ours, theirs = oid(git, "HEAD"), oid(git, "HEAD^")
    wins = {True: 0, False: 0}
    for number in range(25):
        name = f"refs/exps/cc/dd/{number}"
        command = ["git", "update-ref", name, theirs.hex(), "0" * 40]
        other = subprocess.Popen(command, cwd=repo.worktree, stderr=subprocess.DEVNULL)
        if number % 2:
            other.wait()
        try:
            with repo.refs.transaction() as change:
                change.create(name, ours)
            won = True
        except (RefConflict, Locked):
            won = False
        assert won != (other.wait() == 0)
        assert repo.refs.read(name) == (ours if won else theirs)
        wins[won] += 1
    assert wins[False] > 10
    check(git, repo)


def test_git_that_comes_and_goes_in_the_same_folders_disturbs_nothing(repo, git):
    head = oid(git, "HEAD")
    name = "refs/exps/ee/ff/git"
    script = f"for i in $(seq 60); do git update-ref {name} HEAD && git update-ref -d {name}; done"
    with subprocess.Popen(["sh", "-ec", script], cwd=repo.worktree, stderr=subprocess.PIPE) as other:
        rounds = 0
        while other.poll() is None:
            rounds += 1
            with repo.refs.transaction() as change:
                change.create("refs/exps/ee/ff/ours", head)
            assert repo.refs.read("refs/exps/ee/ff/ours") == head
            with repo.refs.transaction() as change:
                change.delete("refs/exps/ee/ff/ours", head)
        # Git itself does not survive every removal of a folder under its feet; we have to
    assert rounds > 20
    check(git, repo)


def logs(folder):
    found = {}
    for above, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(above, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def test_reflogs_are_those_that_git_would_write(repo, git, tmp_path):
    twin = shutil.copytree(tmp_path, tmp_path.parent / "twin")
    first, second = oid(git, "HEAD^"), oid(git, "HEAD")
    steps = [
        (["update-ref", "-m", "one", "refs/heads/side", first.hex()], lambda c: c.put("refs/heads/side", first)),
        (["update-ref", "-m", "two", "HEAD", first.hex()], lambda c: c.put("HEAD", first)),
        (["update-ref", "-m", "three", "refs/heads/main", second.hex()], lambda c: c.put("refs/heads/main", second)),
        (["update-ref", "-m", "four", "refs/exps/aa/bb/e1", first.hex()], lambda c: c.put("refs/exps/aa/bb/e1", first)),
        (["update-ref", "-m", "five", "refs/tags/t", first.hex()], lambda c: c.put("refs/tags/t", first)),
        (["update-ref", "-m", "six", "refs/remotes/o/x", first.hex()], lambda c: c.put("refs/remotes/o/x", first)),
        (["update-ref", "-m", "again", "refs/heads/side", first.hex()], lambda c: c.put("refs/heads/side", first)),
        (["symbolic-ref", "-m", "seven", "HEAD", "refs/heads/side"], lambda c: c.point("HEAD", "refs/heads/side")),
        (["update-ref", "-m", "x", "-d", "refs/remotes/o/x"], lambda c: c.delete("refs/remotes/o/x")),
    ]
    for words, step in steps:
        git(*words, cwd=twin)
        with repo.refs.transaction(words[2], WHO) as change:
            step(change)
        assert logs(f"{repo.git_dir}/logs") == logs(twin / ".git/logs"), words
    assert git("reflog", "HEAD") == git("reflog", "HEAD", cwd=twin)
    check(git, repo)


def test_a_linked_worktree_made_by_git(repo, git, tmp_path):
    git("worktree", "add", "-q", "-b", "side", str(tmp_path.parent / "linked"), "HEAD^")
    linked = Repository.discover(str(tmp_path.parent / "linked"))
    folder = tmp_path.parent / "linked"
    assert linked.head_ref() == "refs/heads/side"
    with linked.refs.transaction() as change:
        change.put("HEAD", oid(git, "main"))
        change.put("refs/worktree/mine", oid(git, "main"))
        change.put("refs/heads/third", oid(git, "main"))
    assert git("rev-parse", "HEAD", "refs/worktree/mine", cwd=folder).split() == [git("rev-parse", "main")] * 2
    assert git("rev-parse", "-q", "--verify", "refs/worktree/mine", check=False) == ""
    assert git("rev-parse", "third") == git("rev-parse", "main")
    linked.refs.set_head(oid(git, "main^"))
    assert git("symbolic-ref", "-q", "HEAD", cwd=folder, check=False) == ""
    assert list(linked.refs.iterate()) == shown(git, cwd=folder)
    check(git, repo)


def test_head_of_a_new_branch_and_back(repo, git):
    repo.refs.set_head("refs/heads/new")
    assert git("symbolic-ref", "HEAD") == "refs/heads/new"
    assert repo.head() is None
    repo.refs.set_head("refs/heads/main")
    check(git, repo)


def test_names_that_are_not_ascii(repo, git):
    head = oid(git, "HEAD")
    with repo.refs.transaction() as change:
        change.create("refs/exps/aa/bb/größer-\udcff", head)
    assert list(repo.refs.iterate()) == shown(git)
    repo.refs.pack()
    check(git, repo)
