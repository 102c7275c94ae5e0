"""Git servers, as real Git plays them, and as nobody should."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptRemote, GitError, RemoteError, Unavailable
from assay.engine.events import Note
from assay.engine.git.repository import Repository
from assay.engine.model import Oid
from assay.engine.ports import RefUpdate
from assay.remotes.git.packets import FLUSH, packet
from assay.remotes.git.server import ServerTransport
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK, Dialer, Dialled
from tests.gitwire import Programs, Scripted

Git = Callable[..., str]
ONE = "1" * 40
V2 = packet(b"version 2\n") + FLUSH


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where repositories lie that were made once, to be copied."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def bare(git: Git, models: Path, tmp_path: Path) -> Path:
    """What is on the server: three commits on main."""
    work = models / "work"
    if not work.exists():
        git("init", "-q", str(work))
        for number in range(3):
            (work / "file.txt").write_text(f"{number}\n" * 200)
            git("add", ".", cwd=work)
            git("commit", "-q", "-m", f"commit {number}", cwd=work)
        git("clone", "-q", "--bare", str(work), str(models / "bare.git"))
    shutil.copytree(models / "bare.git", tmp_path / "bare.git")
    return tmp_path / "bare.git"


@pytest.fixture
def here(bare: Path, models: Path, tmp_path: Path) -> Iterator[Repository]:
    """Another repository with the same commits."""
    shutil.copytree(models / "work", tmp_path / "here")
    repo = Repository.open(str(tmp_path / "here" / ".git"))
    yield repo
    repo.close()


@pytest.fixture
def connect(bare: Path, here: Repository) -> Iterator[Callable[..., ServerTransport]]:
    """Opens the way to the server, or to what another dialer reaches."""
    opened = []

    def make(dialer: Dialer | None = None, repo: Repository = here, **more: object) -> ServerTransport:
        wire = Dialled(dialer or Programs(bare))
        opened.append(ServerTransport(wire, repo, f"{repo.common_dir}/assay/incoming", **more))
        return opened[-1]

    yield make
    for transport in opened:
        transport.close()


def experiment(git: Git, repo: Repository, name: str, base: str = "HEAD") -> tuple[str, Oid]:
    """A child of a commit with one file more, and the name of its ref."""
    folder = repo.worktree
    blob = git("hash-object", "-w", "--stdin", cwd=folder, stdin=name.encode())
    tree = git("mktree", cwd=folder, stdin=f"{git('ls-tree', base, cwd=folder)}\n100644 blob {blob}\tz.txt\n".encode())
    commit = git("commit-tree", tree, "-p", base, "-m", name, cwd=folder)
    baseline = git("rev-parse", base, cwd=folder)
    return f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", Oid(bytes.fromhex(commit))


def hook(bare: Path, name: str, text: str) -> None:
    path = bare / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


class TestPush:
    """What travels, and what the server makes of it."""

    @pytest.mark.parametrize("base", ["HEAD", "HEAD~1", "HEAD~2"])
    def test_only_what_is_new_travels_wherever_the_baseline_is(self, git, connect, here, base) -> None:
        name, oid = experiment(git, here, "new", base)
        transport = connect()
        assert transport.push([RefUpdate(name, None, oid)], here.objects) == [(name, "")]
        assert transport.objects == 3

    def test_a_second_experiment_of_a_baseline_that_no_branch_there_has_travels_alone(self, git, connect, here) -> None:
        git("commit", "-q", "--allow-empty", "-m", "mine", cwd=here.worktree)
        git("commit", "-q", "--allow-empty", "-m", "mine too", cwd=here.worktree)
        for name, objects in (("first", 5), ("second", 3)):
            ref, oid = experiment(git, here, name)
            transport = connect()
            assert transport.push([RefUpdate(ref, None, oid)], here.objects) == [(ref, "")]
            assert transport.objects == objects

    def test_a_tag_and_a_branch_travel_together(self, git, connect, here, bare) -> None:
        git("commit", "-q", "--allow-empty", "-m", "mine", cwd=here.worktree)
        git("tag", "-a", "v1", "-m", "one", cwd=here.worktree)
        head, tag = (Oid(bytes.fromhex(git("rev-parse", name, cwd=here.worktree))) for name in ("HEAD", "v1"))
        transport = connect(asks=RECEIVE_PACK)
        old = transport.refs(["refs/heads/main"])["refs/heads/main"]
        updates = [RefUpdate("refs/heads/main", old, head), RefUpdate("refs/tags/v1", None, tag)]
        assert [result.problem for result in transport.push(updates, here.objects)] == ["", ""]
        assert transport.objects == 2
        assert git("rev-parse", "v1^{}", cwd=bare) == head.hex()

    def test_a_hook_that_says_no_to_one_ref_leaves_the_others_and_is_heard(self, git, connect, here, bare) -> None:
        hook(bare, "update", "case $1 in */bad) echo 'not \033[31mthis\033[0m one' >&2; exit 1;; esac")
        (good, first), (bad, second) = (experiment(git, here, name) for name in ("good", "bad"))
        told: list[object] = []
        updates = [RefUpdate(good, None, first), RefUpdate(bad, None, second)]
        results = connect(report=told.append).push(updates, here.objects)
        assert results == [(good, ""), (bad, f"a program did not move {bad}: hook declined.")]
        assert told == [Note("remote: not this one"), Note("remote: error: hook declined to update " + bad)]

    def test_a_server_that_takes_no_objects_is_a_problem_of_each_ref(self, git, connect, here, bare) -> None:
        git("config", "receive.maxInputSize", "50", cwd=bare)
        name, oid = experiment(git, here, "new")
        [result] = connect(report=lambda event: None).push([RefUpdate(name, None, oid)], here.objects)
        assert "did not take the objects" in result.problem or "broke off" in result.problem

    def test_who_was_slower_than_somebody_else_is_told_by_the_server(self, git, connect, here, bare) -> None:
        (name, first), (_, second) = (experiment(git, here, name) for name in ("one", "two"))
        slow = connect(asks=RECEIVE_PACK, report=lambda event: None)
        assert slow.refs([name]) == {}
        connect().push([RefUpdate(name, None, first)], here.objects)
        [result] = slow.push([RefUpdate(name, None, second)], here.objects)
        assert result.problem.startswith(f"a program did not move {name}: ")
        assert git("rev-parse", name, cwd=bare) == first.hex()

    def test_refs_and_a_push_are_one_conversation(self, git, connect, here, bare) -> None:
        name, oid = experiment(git, here, "new")
        dialer = Programs(bare)
        transport = connect(dialer, asks=RECEIVE_PACK)
        assert "refs/heads/main" in transport.refs(["refs/heads/"])
        transport.push([RefUpdate(name, None, oid)], here.objects)
        assert dialer.opened == [RECEIVE_PACK]

    def test_what_would_travel_is_told_and_does_not(self, git, connect, here, bare) -> None:
        name, oid = experiment(git, here, "new")
        transport = connect()
        assert len(transport.unsent([oid], here.objects)) == 3
        assert name not in git("for-each-ref", cwd=bare)

    def test_a_shallow_clone_can_push(self, git, connect, bare, tmp_path) -> None:
        git("clone", "-q", "--depth", "1", f"file://{bare}", str(tmp_path / "shallow"))
        repo = Repository.open(str(tmp_path / "shallow" / ".git"))
        name, oid = experiment(git, repo, "new")
        transport = connect(repo=repo)
        assert transport.push([RefUpdate(name, None, oid)], repo.objects) == [(name, "")]
        assert transport.objects == 3
        git("fsck", "--strict", "--no-dangling", cwd=bare)
        repo.close()

    def test_to_a_shallow_server_more_than_what_it_shows_travels(self, git, connect, here, bare, tmp_path) -> None:
        git("clone", "-q", "--bare", "--depth", "1", f"file://{bare}", str(tmp_path / "cut.git"))
        name, oid = experiment(git, here, "new", "HEAD~1")
        transport = connect(Programs(tmp_path / "cut.git"))
        assert transport.push([RefUpdate(name, None, oid)], here.objects) == [(name, "")]
        git("rev-list", "--objects", name, cwd=tmp_path / "cut.git")

    def test_a_server_that_reports_nothing_is_asked_what_it_did(self, here, connect) -> None:
        head = here.head()
        assert head is not None
        name = f"refs/exps/{head.hex()[:2]}/{head.hex()[2:]}/new"
        shown = packet(f"{head.hex()} refs/heads/main\0delete-refs agent=x\n".encode())
        after = packet(f"{head.hex()} {name}\0delete-refs\n".encode()) + FLUSH
        update = RefUpdate(name, None, head)
        for then, problem in ((after, ""), (shown + FLUSH, "a script did not move it.")):
            assert connect(Scripted(shown + FLUSH, then)).push([update], here.objects) == [(name, problem)]

    def test_a_server_without_deletion_deletes_nothing(self, here, connect) -> None:
        script = Scripted(packet(f"{ONE} refs/tags/v1\0report-status\n".encode()) + FLUSH)
        [result] = connect(script).push([RefUpdate("refs/tags/v1", Oid(b"\x11" * 20), None)], here.objects)
        assert "lets nobody delete" in result.problem
        assert script.heard == b""

    @pytest.mark.parametrize(
        ("report", "sentence"),
        [
            (b"", "broke off in the middle"),
            (FLUSH, "says nothing of what became of the push"),
            (packet(b"unpack ok\n") + FLUSH, "it says nothing of it"),
            (packet(b"unpack ok\n") + packet(b"ng refs/tags/v1 \x1b[31mno\x1b[0m\n") + FLUSH, "v1: no."),
            (packet(b"unpack index-pack failed\n") + FLUSH, "did not take the objects that refs/tags/v1 needs: index"),
            (packet(b"all is well\n") + FLUSH, "which is not in Git's protocol"),
            (packet(b"ERR the disk is full\n"), "the server says: the disk is full"),
        ],
    )
    def test_every_report_is_a_result_or_a_sentence(self, here, connect, report, sentence) -> None:
        script = Scripted(packet(b"0" * 40 + b" capabilities^{}\0report-status") + FLUSH, report)
        update = RefUpdate("refs/tags/v1", None, here.head())
        try:
            found = connect(script).push([update], here.objects)[0].problem
        except RemoteError as error:
            found = error.message
        assert sentence in found


class TestFetch:
    """What comes, and what is made of it."""

    @pytest.mark.parametrize("old", [False, True])
    @pytest.mark.parametrize("base", ["HEAD", "HEAD~2"])
    def test_only_what_is_new_comes(self, git, connect, here, bare, old, base) -> None:
        name, oid = experiment(git, here, "new", base)
        connect().push([RefUpdate(name, None, oid)], here.objects)
        git("clone", "-q", "--single-branch", f"file://{bare}", str(bare.parent / "other"))
        other = Repository.open(str(bare.parent / "other" / ".git"))
        transport = connect(Programs(bare, old=old), repo=other)
        refs = transport.refs(["refs/exps/"])
        have = {Oid(bytes.fromhex(line)) for line in git("rev-list", "HEAD", cwd=other.worktree).split()}
        assert refs == {name: oid}
        assert transport.fetch(refs.values(), other.objects, other.objects, complete=have.__contains__) > 0
        assert transport.objects == 3
        git("fsck", "--strict", "--no-dangling", cwd=other.worktree)
        assert transport.fetch(refs.values(), other.objects, other.objects, complete=lambda oid: False) == 0
        other.close()

    def test_into_a_shallow_clone_no_more_comes_than_it_needs(self, git, connect, here, bare, tmp_path) -> None:
        name, oid = experiment(git, here, "new")
        connect().push([RefUpdate(name, None, oid)], here.objects)
        git("clone", "-q", "--depth", "1", f"file://{bare}", str(tmp_path / "shallow"))
        repo = Repository.open(str(tmp_path / "shallow" / ".git"))
        transport = connect(repo=repo)
        transport.fetch(
            transport.refs([name]).values(), repo.objects, repo.objects, complete={repo.head()}.__contains__
        )
        assert transport.objects == 3
        repo.close()

    def test_a_history_that_ends_on_the_server_is_refused(self, git, connect, here, bare, tmp_path) -> None:
        git("clone", "-q", "--bare", "--depth", "1", f"file://{bare}", str(tmp_path / "cut.git"))
        git("init", "-q", str(tmp_path / "empty"))
        repo = Repository.open(str(tmp_path / "empty" / ".git"))
        transport = connect(Programs(tmp_path / "cut.git"), repo=repo)
        wants = transport.refs(["refs/heads/"]).values()
        with pytest.raises(GitError, match="is a shallow clone"):
            transport.fetch(wants, repo.objects, repo.objects, complete=lambda oid: False)
        repo.close()

    def test_an_object_that_the_server_does_not_have_is_its_own_sentence(self, connect, here) -> None:
        with pytest.raises(RemoteError, match=f"a program: the server says: upload-pack: not our ref {ONE}"):
            connect().fetch([Oid(b"\x11" * 20)], here.objects, here.objects, complete=lambda oid: False)

    def test_a_server_that_sends_less_than_was_asked_for_is_caught(self, git, connect, here) -> None:
        commit = b"tree " + b"2" * 40 + b"\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nx\n"
        (here_path := Path(here.common_dir) / "lone").mkdir()
        with disk.NewFile(str(here_path)) as file:
            oid = here.objects.write(1, commit)
            here.objects.pack_to([oid], file)
            file.close()
            pack = Path(file.path).read_bytes()
        Path(here.common_dir, "objects", oid.hex()[:2], oid.hex()[2:]).unlink()
        here.objects.refresh()
        script = Scripted(V2, packet(b"packfile\n") + packet(b"\1" + pack) + FLUSH)
        with pytest.raises(CorruptRemote, match="did not send all that was asked for"):
            connect(script).fetch([oid], here.objects, here.objects, complete=lambda oid: False)

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            (b"", "broke off"),
            (FLUSH, "sends none"),
            (packet(b"packfile\n") + FLUSH, "is not a Git pack"),
            (packet(b"packfile\n") + packet(b"\1PACK\0\0\0\2\0\0\0\1nonsense") + FLUSH, "a script: "),
            (packet(b"packfile\n") + packet(b"\1PACK\0\0"), "broke off"),
            (packet(b"packfile\n") + packet(b"\3out of memory"), "the server says: out of memory"),
            (packet(b"packfile\n") + packet(b"\7x"), "a band that Git's protocol does not have"),
            (packet(b"ERR access denied\n"), "the server says: access denied"),
            (b"<html>", "not in Git's protocol"),
        ],
    )
    def test_every_bad_answer_is_a_sentence_and_leaves_nothing(self, connect, here, answer, sentence) -> None:
        before = sorted(os.walk(here.common_dir))
        script = Scripted(V2, answer)
        with pytest.raises(RemoteError, match=re.escape(sentence)):
            connect(script).fetch([Oid(b"\x11" * 20)], here.objects, here.objects, complete=lambda oid: False)
        after = sorted(os.walk(here.common_dir))
        assert [files for _, _, files in after if files] == [files for _, _, files in before if files]


class TestGreetings:
    """What servers say of themselves."""

    def test_what_ssh_says_of_a_missing_repository_is_told(self, connect, tmp_path) -> None:
        with pytest.raises(Unavailable, match=r"broke off: fatal: .*nowhere.* does not appear to be a git repository"):
            connect(Programs(tmp_path / "nowhere")).refs(["refs/"])

    def test_a_repository_of_another_hash_is_refused(self, git, connect, tmp_path) -> None:
        git("init", "-q", "--bare", "--object-format=sha256", str(tmp_path / "other.git"))
        for asks in (UPLOAD_PACK, RECEIVE_PACK):
            with pytest.raises(GitError, match="names its objects by SHA256"):
                connect(Programs(tmp_path / "other.git"), asks=asks).refs(["refs/"])

    def test_a_service_that_was_begun_is_not_run_again_and_one_that_was_not_meant_is_ended(self, connect, bare) -> None:
        programs = Programs(bare)
        transport = connect(programs, asks=RECEIVE_PACK)
        transport.begin()
        assert programs.opened == [RECEIVE_PACK]
        assert list(transport.refs(["refs/heads/"])) == ["refs/heads/main"]
        assert programs.opened == [RECEIVE_PACK]
        transport.begin()
        assert transport.head() == "refs/heads/main"
        assert programs.opened == [RECEIVE_PACK, RECEIVE_PACK, UPLOAD_PACK]

    def test_a_service_that_was_begun_long_ago_is_run_again(self, bare) -> None:
        programs, now = Programs(bare), [0.0]
        wire = Dialled(programs, lambda: now[0])
        wire.begin(UPLOAD_PACK)
        now[0] = 20.0
        assert b"version 2" in wire.greet(UPLOAD_PACK).read(100)
        assert programs.opened == [UPLOAD_PACK] * 2
        wire.close()

    @pytest.mark.parametrize("old", [False, True])
    def test_a_head_that_names_no_branch_is_none(self, git, connect, bare, old) -> None:
        assert connect(Programs(bare, old=old)).head() == "refs/heads/main"
        git("update-ref", "--no-deref", "HEAD", "main~1", cwd=bare)
        assert connect(Programs(bare, old=old)).head() is None

    def test_names_that_no_ref_can_have_are_left_out_and_told(self, connect) -> None:
        lines = [f"{ONE} refs/heads/../../x", f"{ONE} refs/heads/good", f"{ONE} refs/heads/a..b"]
        script = Scripted(V2, b"".join(packet(f"{line}\n".encode()) for line in lines) + FLUSH)
        transport = connect(script)
        assert list(transport.refs(["refs/heads/"])) == ["refs/heads/good"]
        assert set(transport.damaged_refs) == {"refs/heads/../../x", "refs/heads/a..b"}
        assert "no ref can have the name" in transport.damaged["refs/heads/a..b"]

    @pytest.mark.parametrize("piece", [1, 7, 4096])
    def test_a_list_is_the_same_in_whatever_pieces_it_comes(self, connect, piece) -> None:
        names = [f"refs/heads/b{'x' * (number % 7)}{number}" for number in range(40)]
        lines = b"".join(packet(f"{ONE} {name}\n".encode()) for name in names)
        script = Scripted(V2, lines + FLUSH, piece=piece)
        assert list(connect(script).refs(["refs/heads/"])) == names

    def test_what_goes_wrong_in_the_middle_of_a_list_is_said(self, connect) -> None:
        good = packet(f"{ONE} refs/heads/a\n".encode()) * 3
        for bad, sentence in ((b"ERR no more\n", "the server says: no more"), (b"x" * 9, "cannot be understood")):
            with pytest.raises(RemoteError, match=sentence):
                connect(Scripted(V2, good + packet(bad) + good + FLUSH)).refs(["refs/"])
        with pytest.raises(CorruptRemote, match="not in Git's protocol"):
            connect(Scripted(V2, good + b"+123" + good + FLUSH)).refs(["refs/"])

    def test_a_list_without_an_end_is_not_read_for_ever(self, connect, monkeypatch) -> None:
        monkeypatch.setattr("assay.remotes.git.packets._MOST", 3)
        with pytest.raises(CorruptRemote, match="lists more than can be believed"):
            connect(Scripted(V2, packet(f"{ONE} refs/heads/a\n".encode()) * 5)).refs(["refs/"])

    def test_a_shell_that_prints_something_first_is_explained(self, connect) -> None:
        with pytest.raises(AssayError) as caught:
            connect(Scripted(b"Welcome to the lab\n")).refs(["refs/"])
        assert "not in Git's protocol: 'Welc'" in caught.value.message
        assert "start-up file of the shell" in caught.value.hint
