"""Bad input to assay-dvc's push, pull, fetch, remote and exp push/pull: one sentence, the right code, no change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.filetree import picture

Run = Callable[..., Any]


@pytest.fixture
def dvc_project(tmp_path: Path, assay: Run, git: Run) -> Path:
    """A DVC project with tracked data and a remote in a folder."""
    root = tmp_path / "p"
    (root / ".dvc").mkdir(parents=True)
    git("init", "-q", str(root))
    (root / ".dvc/config").write_text(f"['remote \"store\"']\n    url = {tmp_path}/store\n")
    (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (root / "data").write_text("data")
    assay("add", "data", cwd=root)
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    return root


@pytest.fixture
def refused(assay_dvc: Run, dvc_project: Path, tmp_path: Path) -> Callable[..., Any]:
    """Runs a command that must fail with a code and words, and leave the project and its remote as they were."""

    def check(code: int, *words: str, says: str) -> None:
        config = (dvc_project / ".dvc/config").read_bytes()
        before = picture(dvc_project)
        said = assay_dvc(*words, cwd=dvc_project, code=code)
        assert len([line for line in said.err.splitlines() if line.startswith("ERROR: ")]) == 1, said.err
        assert says in said.err, said.err
        assert picture(dvc_project) == before
        assert (dvc_project / ".dvc/config").read_bytes() == config
        assert not (tmp_path / "store").exists()

    return check


@pytest.mark.parametrize("verb", ["push", "pull", "fetch"])
@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (1, ["nothing"], "'nothing' is neither tracked data nor a stage"),
        (1, ["../outside"], "lies outside the project"),
        (1, ["--glob", "x*"], "Nothing tracked matches 'x*'"),
        (251, ["-r", "nosuch"], "There is no remote 'nosuch'"),
        (1, ["-j", "0"], "-j takes a number from 1 upwards"),
    ],
)
def test_targets_and_remotes_that_are_none(
    refused: Callable[..., Any], verb: str, code: int, words: list[str], says: str
) -> None:
    refused(code, verb, *words, says=says)


def test_a_setting_that_cannot_be(refused: Callable[..., Any], dvc_project: Path) -> None:
    with open(dvc_project / ".dvc/config", "a") as file:
        file.write("    jobs = many\n")
    refused(251, "push", says="jobs")


def test_a_remote_of_a_kind_that_is_not_there_yet(refused: Callable[..., Any], dvc_project: Path) -> None:
    (dvc_project / ".dvc/config").write_text("['remote \"far\"']\n    url = hdfs://host\n")
    refused(1, "push", says="hdfs://")


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (251, ["remote", "add", "store", "x"], "already exists"),
        (255, ["remote", "add", "a/b", "x"], "cannot be the name of a remote"),
        (251, ["remote", "add", "far", "gopher://x"], "gopher"),
        (251, ["remote", "modify", "nosuch", "url", "x"], "doesn't exist"),
        (251, ["remote", "modify", "store", "nonsense", "x"], "nonsense"),
        (251, ["remote", "default", "nosuch"], "must be present"),
        (251, ["remote", "rename", "nosuch", "x"], "doesn't exist"),
        (251, ["remote", "rename", "store", "store"], "already exists"),
        (251, ["remote", "remove", "nosuch"], "doesn't exist"),
    ],
)
def test_remotes_that_cannot_be(refused: Callable[..., Any], code: int, words: list[str], says: str) -> None:
    refused(code, *words, says=says)


@pytest.mark.parametrize("verb", ["push", "pull"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nosuch"], "is not a valid Git remote or URL"),
        (["gopher://host/x"], "gopher"),
        (["."], "no experiment"),
        ([".", "--rev", "nowhere"], "nowhere"),
    ],
)
def test_git_remotes_that_are_none(refused: Callable[..., Any], verb: str, words: list[str], says: str) -> None:
    refused(255, "exp", verb, *words, *(["nope"] if says == "no experiment" else []), says=says)


@pytest.mark.law
@pytest.mark.parametrize("relpath", ["../evil", "/etc/evil", "a/../../evil", ".git/hooks/evil"])
def test_a_listing_from_a_remote_writes_nothing_outside(
    dvc_project: Path, assay_dvc: Run, tmp_path: Path, relpath: str
) -> None:
    import json

    from assay.engine.store.digest import digest_bytes, object_key

    bad = digest_bytes("md5", b"evil")
    data = json.dumps([{"md5": bad.hex, "relpath": relpath}]).encode()
    listing = digest_bytes("md5", data, is_dir=True)
    for digest, content in ((bad, b"evil"), (listing, data)):
        path = tmp_path / "store" / object_key(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    lines = f"outs:\n- md5: {listing.text}\n  size: 4\n  nfiles: 1\n  hash: md5\n  path: folder\n"
    (dvc_project / "folder.dvc").write_text(lines)
    said = assay_dvc("pull", "folder", cwd=dvc_project, code=1)
    assert said.err.count("ERROR: ") == 1
    assert "cannot be written inside a project" in said.err
    assert not (dvc_project / "folder").exists()
    assert not list(tmp_path.rglob("evil"))


class TestAssay:
    """The same of `assay`'s own verbs."""

    @pytest.fixture
    def root(self, tmp_path: Path, project: Path, assay: Run) -> Path:
        """A project with tracked data, an experiment, and a remote in a folder that is not there."""
        (project / "extra").write_text("data")
        assay("add", "extra", cwd=project)
        assay("save", "-n", "one", cwd=project)
        assay("remote", "add", "-d", "store", str(tmp_path / "store"), cwd=project)
        return project

    @pytest.fixture
    def refused(self, assay: Run, root: Path, tmp_path: Path) -> Callable[..., Any]:
        """Runs a command that must fail with a code and words, and leave the project and its remote as they were."""

        def check(code: int, *words: str, says: str) -> None:
            before = picture(root)
            said = assay(*words, cwd=root, code=code)
            assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1, said.err
            assert says in said.err, said.err
            assert picture(root) == before
            assert not (tmp_path / "store").exists()

        return check

    @pytest.mark.parametrize("verb", ["push", "pull", "fetch"])
    def test_words_that_do_not_go_together(self, refused: Callable[..., Any], verb: str) -> None:
        for code, words, says in (
            (254, ["-j", "0"], "-j takes a number from 1 upwards"),
            (254, ["-j", "many"], "invalid int"),
            (254, ["-n", "some"], "invalid int"),
            (254, ["one", "--rev", "HEAD"], "not both"),
            (254, ["one", "--where", "acc > 1"], "not both"),
            (254, ["-A", "--rev", "HEAD"], "--rev does not go with it"),
            (254, ["--where", "acc >"], "--where"),
            (254, ["extra", "--where", "acc > 1"], "is tracked data"),
            (254, ["extra", "--no-cache"], "is tracked data"),
            (254, ["extra", "--branch"], "is tracked data"),
            (251, ["-r", "nosuch"], "There is no remote 'nosuch'"),
            (251, ["--dry", "-r", "nosuch"], "There is no remote 'nosuch'"),
            (254, ["--nonsense"], "unrecognized arguments"),
        ):
            refused(code, verb, *words, says=says)

    def test_experiments_that_are_not_here(self, refused: Callable[..., Any]) -> None:
        for more in ([], ["--dry"]):
            refused(255, "push", "nope", *more, says="There is no experiment 'nope'")
            refused(255, "push", "--rev", "nowhere", *more, says="nowhere")
            refused(254, "push", "--where", "nothing_has_this = 1", *more, says="nothing_has_this")

    def test_a_remote_to_which_nothing_was_pushed(self, refused: Callable[..., Any]) -> None:
        for words in (["pull"], ["fetch", "--dry"], ["list", "-r"], ["status", "-r"], ["remove", "--remote", "one"]):
            refused(255, *words, says="holds nothing that assay wrote")

    def test_the_verbs_that_look_at_a_remote(self, refused: Callable[..., Any]) -> None:
        for code, words, says in (
            (251, ["status", "--remote", "nosuch"], "There is no remote 'nosuch'"),
            (254, ["status", "--remote", "-j", "0"], "-j takes a number from 1 upwards"),
            (254, ["status", "-j", "2"], "-j is for asking a remote"),
            (251, ["list", "--remote", "nosuch"], "There is no remote 'nosuch'"),
            (251, ["remove", "one", "-r", "nosuch"], "There is no remote 'nosuch'"),
            (254, ["remove", "--remote"], "Say which experiments"),
            (254, ["remove", "--remote", "one", "-A"], "not both"),
        ):
            refused(code, *words, says=says)

    def test_a_pulled_run_without_a_remote_runs(self, root: Path, assay: Run) -> None:
        assay("remote", "remove", "store", cwd=root)
        said = assay("run", "--pull", "-n", "alone", cwd=root)
        assert "warning: Nothing was pulled: This project has no remote." in said.err
