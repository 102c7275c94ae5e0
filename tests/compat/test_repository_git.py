"""Repositories of both kinds, ours and Git's, seen by the other one."""

from __future__ import annotations

import os
import shutil

import pytest

from assay.engine.errors import GitError
from assay.engine.git.repository import Repository
from assay.engine.model import Oid


def hexed(oid):
    return oid.hex() if oid else ""


@pytest.mark.parametrize("bare", [False, True])
def test_git_takes_a_repository_of_ours_for_one_of_its_own(tmp_path, git, bare):
    Repository.init(str(tmp_path / "ours"), bare=bare)
    git("init", "-q", *(["--bare"] if bare else []), str(tmp_path / "theirs"))
    for key in ("--is-bare-repository", "--git-dir", "--show-object-format", "--is-shallow-repository"):
        assert git("rev-parse", key, cwd=tmp_path / "ours") == git("rev-parse", key, cwd=tmp_path / "theirs")
    listed = [git("config", "--local", "--list", cwd=tmp_path / name) for name in ("ours", "theirs")]
    assert listed[0] == listed[1]
    assert git("symbolic-ref", "HEAD", cwd=tmp_path / "ours") == "refs/heads/main"
    git("fsck", "--strict", cwd=tmp_path / "ours")


def test_git_can_commit_clone_and_branch_in_it(tmp_path, git):
    repo = Repository.init(str(tmp_path / "ours"))
    (tmp_path / "ours/file").write_text("x")
    git("add", "file", cwd=tmp_path / "ours")
    git("commit", "-q", "-m", "one", cwd=tmp_path / "ours")
    git("branch", "side", cwd=tmp_path / "ours")
    git("clone", "-q", str(tmp_path / "ours"), str(tmp_path / "copy"))
    assert hexed(repo.head()) == git("rev-parse", "HEAD", cwd=tmp_path / "copy")
    assert hexed(repo.refs.read("refs/heads/side")) == git("rev-parse", "side", cwd=tmp_path / "ours")


def test_git_says_that_it_existed_already(tmp_path, git):
    Repository.init(str(tmp_path))
    assert "existing Git repository" in git("init")


def test_init_in_a_repository_of_git_changes_nothing(tmp_path, git):
    git("init", "-q", "-b", "trunk")
    git("commit", "-q", "--allow-empty", "-m", "one")
    before = {path: path.read_bytes() for path in sorted((tmp_path / ".git").rglob("*")) if path.is_file()}
    assert hexed(Repository.init(str(tmp_path)).head()) == git("rev-parse", "HEAD")
    assert before == {path: path.read_bytes() for path in sorted((tmp_path / ".git").rglob("*")) if path.is_file()}


def test_a_linked_worktree(tmp_path, git):
    git("init", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "main")
    git("worktree", "add", "-q", "--detach", "../linked", cwd=tmp_path / "main")
    (tmp_path / "linked/sub").mkdir()
    repo = Repository.discover(str(tmp_path / "linked/sub"))
    where = tmp_path / "linked"
    assert repo.git_dir == git("rev-parse", "--absolute-git-dir", cwd=where)
    assert repo.common_dir == git("rev-parse", "--path-format=absolute", "--git-common-dir", cwd=where)
    assert repo.worktree == git("rev-parse", "--show-toplevel", cwd=where)
    assert repo.index_path == git("rev-parse", "--path-format=absolute", "--git-path", "index", cwd=where)
    assert repo.head_ref() is None
    assert hexed(repo.head()) == git("rev-parse", "HEAD", cwd=where)


def test_a_worktree_of_a_bare_repository_with_a_configuration_of_its_own(tmp_path, git):
    git("init", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "main")
    git("clone", "-q", "--bare", "main", "b.git")
    git("worktree", "add", "-q", "../linked", cwd=tmp_path / "b.git")
    git("config", "extensions.worktreeConfig", "true", cwd=tmp_path / "b.git")
    git("config", "--worktree", "user.name", "Linked", cwd=tmp_path / "linked")
    linked, bare = Repository.discover(str(tmp_path / "linked")), Repository.discover(str(tmp_path / "b.git"))
    assert (linked.worktree, bare.worktree) == (str(tmp_path / "linked"), None)
    assert (linked.config.get("user.name"), bare.config.get("user.name")) == ("Linked", "")


def test_a_submodule(tmp_path, git):
    git("init", "-q", "lib")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "lib")
    git("init", "-q", "main")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../lib", "lib", cwd=tmp_path / "main")
    repo = Repository.discover(str(tmp_path / "main/lib"))
    assert repo.git_dir == str(tmp_path / "main/.git/modules/lib")
    assert repo.worktree == str(tmp_path / "main/lib")
    assert hexed(repo.head()) == git("rev-parse", "HEAD", cwd=tmp_path / "lib")


def test_a_repository_whose_git_folder_lies_elsewhere(tmp_path, git):
    git("init", "-q", "--separate-git-dir", str(tmp_path / "elsewhere"), str(tmp_path / "work"))
    repo = Repository.discover(str(tmp_path / "work"))
    assert (repo.git_dir, repo.worktree) == (str(tmp_path / "elsewhere"), str(tmp_path / "work"))


def test_a_shallow_clone(tmp_path, git):
    git("init", "-q", "main")
    for number in range(4):
        git("commit", "-q", "--allow-empty", "-m", str(number), cwd=tmp_path / "main")
    git("clone", "-q", "--depth", "2", f"file://{tmp_path}/main", "copy")
    repo = Repository.discover(str(tmp_path / "copy"))
    assert [oid.hex() for oid in repo.shallow] == [git("rev-parse", "HEAD~1", cwd=tmp_path / "copy")]


def test_a_partial_clone_opens(tmp_path, git):
    git("init", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "main")
    git("config", "uploadpack.allowFilter", "true", cwd=tmp_path / "main")
    git("clone", "-q", "--filter=blob:none", f"file://{tmp_path}/main", "copy")
    git("config", "core.repositoryformatversion", "1", cwd=tmp_path / "copy")
    git("config", "extensions.partialClone", "origin", cwd=tmp_path / "copy")
    assert Repository.discover(str(tmp_path / "copy")).head() is not None


def test_a_sha256_repository_is_refused(tmp_path, git):
    git("init", "-q", "--object-format=sha256")
    with pytest.raises(GitError, match="only SHA-1 repositories can be used"):
        Repository.discover(str(tmp_path))


def test_unborn_and_detached_heads(tmp_path, git):
    git("init", "-q", "-b", "trunk")
    repo = Repository.discover(str(tmp_path))
    assert (repo.head(), repo.head_ref()) == (None, "refs/heads/trunk")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("checkout", "-q", "--detach")
    assert (hexed(repo.head()), repo.head_ref()) == (git("rev-parse", "HEAD"), None)
    git("checkout", "-q", "--orphan", "new")
    assert (repo.head(), repo.head_ref()) == (None, "refs/heads/new")


def test_during_a_rebase_head_is_what_git_says(tmp_path, git):
    git("init", "-q")
    for name, branch in (("a", "main"), ("b", "side")):
        git("checkout", "-q", "-B", branch, *(["main"] if branch == "side" else []), check=False)
        (tmp_path / "file").write_text(name)
        git("add", "file")
        git("commit", "-q", "-m", name)
    git("checkout", "-q", "main")
    (tmp_path / "file").write_text("c")
    git("commit", "-q", "-am", "c")
    git("rebase", "-q", "side", check=False)
    repo = Repository.discover(str(tmp_path))
    assert os.path.isdir(f"{repo.git_dir}/rebase-merge")
    assert (hexed(repo.head()), repo.head_ref()) == (git("rev-parse", "HEAD"), None)


def test_the_configuration_with_includes_is_what_git_lists(tmp_path, git, clean_environment):
    git("init", "-q", "work")
    folder = tmp_path / "work"
    conditions = [
        "gitdir:work/", f"gitdir:{tmp_path}/", "gitdir:~/", "gitdir:**/.git", "gitdir:nope/", "gitdir/i:WORK/",
        "onbranch:main", "onbranch:m*/", "onbranch:m*", "gitdir:./work/", f"gitdir:{tmp_path}/w*/.git",
    ]  # fmt: skip
    lines = ["[user]\n\tname = Ann\n"]
    for number, condition in enumerate(conditions):
        (clean_environment / f"inc{number}").write_text(f"[found]\n\tvalue = {number}\n")
        lines.append(f'[includeIf "{condition}"]\n\tpath = ~/inc{number}\n')
    (clean_environment / ".gitconfig").write_text("".join(lines) + "[include]\n\tpath = inc0\n")
    shutil.copy(clean_environment / ".gitconfig", folder / "more")
    git("config", "--add", "include.path", "../more", cwd=folder)
    git("config", 'remote.a "b.Url', "x", cwd=folder)
    repo = Repository.discover(str(folder), (f"{clean_environment}/.gitconfig",), {"HOME": str(clean_environment)})
    listed = [entry.partition("\n") for entry in git("config", "--list", "-z", cwd=folder).split("\0")[:-1]]
    wanted = {}
    for key, _, value in listed:
        wanted.setdefault(key, []).append(value)
    wanted.pop("init.defaultbranch")  # of the command line
    assert {key: repo.config.get_all(key) for key, _ in repo.config.items()} == wanted
    assert len(wanted["found.value"]) > 8


def test_a_repository_of_an_old_git_whose_head_is_a_symlink(tmp_path, git):
    git("init", "-q")
    git("-c", "core.preferSymlinkRefs=true", "symbolic-ref", "HEAD", "refs/heads/side")
    assert os.path.islink(tmp_path / ".git/HEAD")
    git("commit", "-q", "--allow-empty", "-m", "one")
    repo = Repository.discover(str(tmp_path))
    assert (repo.head_ref(), hexed(repo.head())) == ("refs/heads/side", git("rev-parse", "HEAD"))
    new = Oid(bytes.fromhex(git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "two")))
    with repo.refs.transaction() as change:
        change.put("HEAD", new)
    assert git("rev-parse", "side") == new.hex()
