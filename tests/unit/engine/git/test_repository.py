"""engine/git/repository.py: finding, opening, making repositories, and refusing what cannot be handled."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from assay.engine import disk
from assay.engine.errors import ConfigError, GitError
from assay.engine.git.repository import Repository
from assay.engine.model import Oid

A, B = Oid(bytes([1]) * 20), Oid(bytes([2]) * 20)


@pytest.fixture
def root(tmp_path):
    """The work tree of a new repository."""
    Repository.init(str(tmp_path))
    return tmp_path


def configure(root, text):
    with open(root / ".git/config", "a") as file:
        file.write(text)


def test_a_new_repository_is_on_a_branch_without_commits(root):
    repo = Repository.discover(str(root))
    assert repo.head() is None
    assert repo.head_ref() == "refs/heads/main"
    assert repo.worktree == str(root)
    assert repo.git_dir == repo.common_dir == f"{root}/.git"
    assert repo.index_path == f"{root}/.git/index"
    assert repo.shallow == frozenset()


def test_the_first_branch_can_have_another_name(tmp_path):
    assert Repository.init(str(tmp_path), branch="trunk").head_ref() == "refs/heads/trunk"


@pytest.mark.parametrize("branch", ["a..b", "", "-x", "a b"])
def test_a_branch_name_that_is_not_valid_is_refused(tmp_path, branch):
    with pytest.raises(GitError, match="not a name that a branch can have"):
        Repository.init(str(tmp_path), branch=branch)
    assert os.listdir(tmp_path) == []


def test_init_of_what_is_there_changes_nothing_and_adds_what_is_missing(root):
    Repository.init(str(root)).refs.set_head("refs/heads/side")
    configure(root, "[user]\nname = Ann\n")
    (root / ".git/info/exclude").write_text("mine\n")
    (root / ".git/refs/tags").rmdir()
    repo = Repository.init(str(root), branch="other")
    assert repo.head_ref() == "refs/heads/side"
    assert repo.config.get("user.name") == "Ann"
    assert (root / ".git/info/exclude").read_text() == "mine\n"
    assert (root / ".git/refs/tags").is_dir()


def test_init_makes_the_folder(tmp_path):
    assert Repository.init(str(tmp_path / "a/b")).worktree == str(tmp_path / "a/b")


def test_init_where_nothing_can_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GitError, match="A repository cannot be made in"):
        Repository.init(str(tmp_path / "file"))


def test_a_bare_repository_has_no_work_tree(tmp_path):
    Repository.init(str(tmp_path / "b.git"), bare=True)
    repo = Repository.discover(str(tmp_path / "b.git/refs"))
    assert repo.worktree is None
    assert repo.git_dir == str(tmp_path / "b.git")
    assert repo.refs.log == "never"


def test_the_nearest_repository_upwards_is_the_one(root):
    (root / "sub/deep").mkdir(parents=True)
    assert Repository.discover(str(root / "sub/deep")).worktree == str(root)
    Repository.init(str(root / "sub"))
    assert Repository.discover(str(root / "sub/deep")).worktree == str(root / "sub")


def test_a_folder_called_dot_git_that_is_none_is_passed_by(root):
    (root / "sub/.git").mkdir(parents=True)
    assert Repository.discover(str(root / "sub")).worktree == str(root)


def test_outside_of_any_repository_is_one_sentence(tmp_path):
    with pytest.raises(GitError, match="is not inside a Git repository"):
        Repository.discover(str(tmp_path))
    with pytest.raises(GitError, match="is not a Git repository"):
        Repository.open(str(tmp_path))


def test_a_git_file_that_leads_nowhere_is_named(tmp_path):
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    with pytest.raises(GitError, match=f"says that the repository is {tmp_path}/elsewhere, but there is none"):
        Repository.discover(str(tmp_path))
    (tmp_path / ".git").write_text("hello")
    with pytest.raises(GitError, match="does not say where the repository is"):
        Repository.discover(str(tmp_path))


def test_the_work_tree_of_a_submodule_is_what_its_configuration_says(root):
    module = root / ".git/modules/sub"
    Repository.init(str(module), bare=True)
    with open(module / "config", "a") as file:
        file.write("[core]\nbare = false\nworktree = ../../../sub\n")
    (root / "sub").mkdir()
    (root / "sub/.git").write_text("gitdir: ../.git/modules/sub\n")
    repo = Repository.discover(str(root / "sub"))
    assert (repo.git_dir, repo.worktree) == (str(module), str(root / "sub"))


@pytest.mark.law(5)
def test_a_configuration_cannot_make_another_folder_the_work_tree(root, tmp_path_factory):
    configure(root, f"[core]\nworktree = {tmp_path_factory.mktemp('victim')}\n")
    with pytest.raises(GitError, match="is not inside the work tree"):
        Repository.discover(str(root))


def test_layers_are_those_passed_in_then_the_repositorys(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    (folder / "low").write_text("[user]\nname = low\nemail = low\n[a]\nb = low\n")
    (folder / "high").write_text("[user]\nname = high\nemail = high\n")
    configure(root, "[user]\nname = own\n")
    config = Repository.discover(str(root), tuple(str(folder / name) for name in ("low", "high", "none"))).config
    assert [config.get(key) for key in ("user.name", "user.email", "a.b")] == ["own", "high", "low"]


@pytest.mark.law(6)
def test_nothing_is_read_from_home_unless_it_is_passed_in(root, clean_environment):
    (clean_environment / ".gitconfig").write_text("[user]\nname = hidden\n")
    assert Repository.discover(str(root)).config.get("user.name") == ""
    repo = Repository.discover(str(root), (f"{clean_environment}/.gitconfig",), {"HOME": "/home/ann"})
    assert repo.config.get("user.name") == "hidden"
    assert repo.home == "/home/ann"


@pytest.mark.parametrize(
    "extension", ["noop = 1", "preciousObjects = true", "partialClone = origin", "worktreeConfig = true"]
)
def test_known_extensions_are_accepted(root, extension):
    configure(root, f"[core]\nrepositoryformatversion = 1\n[extensions]\n{extension}\n")
    assert Repository.discover(str(root)).head_ref() == "refs/heads/main"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("[core]\nrepositoryformatversion = 1\n[extensions]\nobjectFormat = sha256\n", "names its objects by SHA256"),
     ("[extensions]\nobjectFormat = sha256\n", "names its objects by SHA256"),
     ("[core]\nrepositoryformatversion = 1\n[extensions]\nrefStorage = reftable\n", "keeps its refs as reftable"),
     ("[core]\nrepositoryformatversion = 1\n[extensions]\nnewThing = 1\n", "uses the extension newthing"),
     ("[core]\nrepositoryformatversion = 2\n", "has repository format 2")],
)  # fmt: skip
def test_what_cannot_be_handled_right_is_refused_at_once(root, text, sentence):
    configure(root, text)
    with pytest.raises(GitError, match=sentence):
        Repository.discover(str(root))


def test_formats_that_are_named_although_they_are_the_usual_ones_are_fine(root):
    configure(root, "[core]\nrepositoryformatversion = 1\n[extensions]\nobjectFormat = sha1\nrefStorage = files\n")
    Repository.discover(str(root))


@pytest.mark.parametrize("setting", ["bigFileThreshold = 512m", "packedGitLimit = 256m", "deltaBaseCacheLimit = 96m"])
def test_numbers_with_units_do_not_matter(root, setting):
    configure(root, f"[core]\n{setting}\n[pack]\nwindowMemory = 100m\n")
    assert Repository.discover(str(root)).config.number("core." + setting.split()[0]) >= 96 << 20


def test_a_configuration_that_cannot_be_understood_is_named(root):
    configure(root, "[core\n")
    with pytest.raises(ConfigError, match="config cannot be understood in line"):
        Repository.discover(str(root))


def test_a_shallow_clone_knows_where_it_ends(root):
    (root / ".git/shallow").write_text(f"{A.hex()}\n")
    assert Repository.discover(str(root)).shallow == {A}
    (root / ".git/shallow").write_text("not an id\n")
    with pytest.raises(GitError, match="shallow cannot be understood"):
        _ = Repository.discover(str(root)).shallow


def test_that_history_goes_on_is_written_down_only_when_its_objects_survive_a_power_cut(root):
    (root / ".git/shallow").write_text(f"{A.hex()}\n{B.hex()}\n")
    repo = Repository.discover(str(root))
    for fewer, step in ((A, "rename"), (B, "unlink")):
        steps = []
        with disk.injected(lambda name, path, steps=steps: steps.append((name, path))):
            repo.change_shallow((), [fewer])
        assert steps.index(("sync", f"{root}/.git")) < next(at for at, one in enumerate(steps) if one[0] == step)
    assert repo.shallow == frozenset()


@pytest.mark.parametrize(
    ("text", "policy"), [("", "usual"), ("true", "usual"), ("false", "never"), ("always", "always")]
)
def test_which_refs_get_a_log(root, text, policy):
    (root / ".git/config").write_text(f"[core]\nbare = false\n{f'logAllRefUpdates = {text}' if text else ''}\n")
    assert Repository.discover(str(root)).refs.log == policy


def test_locks_name_the_command_that_was_said(root):
    repo = Repository.discover(str(root))
    repo.command = "assay run"
    assert repo.refs.command == "assay run"


def test_a_linked_worktree_has_its_own_folder_and_config(root):
    own = root / ".git/worktrees/w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    (own / "commondir").write_text("../..\n")
    linked = root / "linked"
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {own}\n")
    (own / "gitdir").write_text(f"{linked}/.git\n")
    configure(root, "[core]\nrepositoryformatversion = 1\n[extensions]\nworktreeConfig = true\n")
    (own / "config.worktree").write_text("[a]\nb = own\n")
    (root / ".git/config.worktree").write_text("[a]\nb = main\n")
    for repo in (Repository.discover(str(linked)), Repository.open(str(own))):
        assert (repo.git_dir, repo.common_dir, repo.worktree) == (str(own), f"{root}/.git", str(linked))
        assert repo.head_ref() == "refs/heads/side"
        assert repo.config.get("a.b") == "own"
        assert repo.index_path == f"{own}/index"
    assert Repository.discover(str(root)).config.get("a.b") == "main"


def test_a_bare_repository_may_have_linked_worktrees(tmp_path):
    Repository.init(str(tmp_path / "b.git"), bare=True)
    own = tmp_path / "b.git/worktrees/w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text(f"{A.hex()}\n")
    (own / "commondir").write_text("../..\n")
    (tmp_path / "w").mkdir()
    (tmp_path / "w/.git").write_text("gitdir: ../b.git/worktrees/w\n")
    repo = Repository.discover(str(tmp_path / "w"))
    assert repo.worktree == str(tmp_path / "w")
    assert (repo.head(), repo.head_ref()) == (A, None)


def test_opening_reads_no_packed_refs(root):
    (root / ".git/packed-refs").write_text("damaged")
    repo = Repository.discover(str(root))
    assert repo.head_ref() == "refs/heads/main"
    with pytest.raises(GitError, match="packed-refs is damaged"):
        repo.head()


def test_it_can_be_closed_twice_and_used_again(root):
    repo = Repository.discover(str(root))
    repo.refs.read("refs/heads/main")
    repo.close()
    repo.close()
    assert repo.head() is None


def test_opening_and_reading_refs_imports_little():
    code = "import sys; import assay.engine.git.repository; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"dulwich", "yaml", "subprocess", "socket", "shutil", "json", "tempfile", "assay.engine.locks", "difflib"}
    assert heavy.isdisjoint(modules)
