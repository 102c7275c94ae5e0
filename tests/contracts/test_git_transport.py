"""What every Git transport does, whatever lies behind it. Real Git makes the repositories and judges what arrives."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from assay.engine.git.gitconfig import GitConfig
from assay.engine.git.repository import Repository
from assay.engine.model import Oid
from assay.engine.ports import GitTransport, RefResult, RefUpdate, RemoteStore
from assay.remotes.bucket.transport import BucketTransport
from assay.remotes.copies import Copies
from assay.remotes.git import ssh, sshaddress
from assay.remotes.git.http import HttpWire
from assay.remotes.git.httpsettings import HttpSettings
from assay.remotes.git.local import LocalTransport
from assay.remotes.git.puressh import PureDialer
from assay.remotes.git.server import ServerTransport
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK, Dialer, Dialled, Wire
from assay.remotes.s3.store import S3Settings, S3Store
from assay.remotes.stores.local import LocalStore
from assay.remotes.stores.memory import MemoryStore
from tests import githttp
from tests.gitwire import Programs
from tests.sshserver import SshServer

Git = Callable[..., str]
Connect = Callable[[Repository], GitTransport]


class FixedClock:
    """It is always the same second."""

    def now(self) -> tuple[int, int]:
        return 1_700_000_000, 0


class CountingIds:
    """Nonces without chance."""

    numbers = count(1)

    def nonce(self) -> str:
        return f"{next(self.numbers):016x}"

    def choose(self, options: object) -> str:
        raise NotImplementedError


class NotAtomic(MemoryStore):
    """A store that can neither create nor swap."""

    def is_atomic(self) -> bool:
        return False

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        raise AssertionError("not asked of such a store")


def store_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> RemoteStore:
    if kind == "s3":
        url, settings = request.getfixturevalue("s3")
        return S3Store(url, S3Settings(**settings, addressing_style="path"))
    if kind == "local":
        return LocalStore(str(tmp_path / "remote"))
    return MemoryStore() if kind == "memory" else NotAtomic()


def bucket_of(store: RemoteStore, tmp_path: Path) -> Callable[[Repository], BucketTransport]:
    numbers = count()

    def make(repo: Repository) -> BucketTransport:
        copies = Copies(str(tmp_path / f"copies{next(numbers)}"))
        folder = f"{repo.common_dir}/assay/incoming"
        return BucketTransport(
            store, "xxh128", copies, folder, repo.objects.pack_to, FixedClock(), CountingIds(), here=repo
        )

    return make


@pytest.fixture(params=["memory", "not atomic", "local", "s3"])
def connect_bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Repository], BucketTransport]]:
    """Opens a bucket as the machine that a repository is on would."""
    store = store_of(request.param, request, tmp_path)
    yield bucket_of(store, tmp_path)
    store.close()


SERVERS = ["http", "old program", "ssh", "asyncssh"]
BEHIND_SSH = (
    "test_what_is_pushed_is_seen_and_arrives_whole",
    "test_a_branch_moves_forwards_only",
    "test_an_experiment_can_be_replaced_and_deleted",
)
"""What is tried behind ssh, too: ssh only carries what other ways carry, and a session costs 0.1 s and more.

PYTEST_ALL_BEHIND_SSH=1 tries everything there.
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Chooses the ways on which a test is tried."""
    if "connect" not in metafunc.fixturenames:
        return
    ways = ["memory", "not atomic", "local", "s3", "git", "http", "old program", "http, pushing"]
    if os.environ.get("PYTEST_ALL_BEHIND_SSH") or metafunc.function.__name__ in BEHIND_SSH:
        ways += ["ssh", "asyncssh"]
    metafunc.parametrize("connect", ways, indirect=True)


def over_a_wire(
    make_wire: Callable[[], Wire], asks: str, opened: list[GitTransport]
) -> Callable[[Repository], ServerTransport]:
    def make(repo: Repository) -> ServerTransport:
        opened.append(ServerTransport(make_wire(), repo, f"{repo.common_dir}/assay/incoming", asks=asks))
        return opened[-1]

    return make


def server_of(kind: str, request: pytest.FixtureRequest, path: Path) -> Callable[[], Wire]:
    """Makes a wire to a repository behind real Git."""
    if kind == "old program":
        return lambda: Dialled(Programs(path, old=True))
    if kind.endswith("ssh"):
        dial = request.getfixturevalue(f"dial_{kind}")
        return lambda: Dialled(dial(path))
    host = request.getfixturevalue("git_host")
    return lambda: HttpWire(f"{host.url}/{path.name}", lambda url: HttpSettings())


@pytest.fixture
def dial_ssh(ssh_server: SshServer, clean_environment: Path) -> Iterator[Callable[[Path], Dialer]]:
    """The way to a repository by the system's ssh, which keeps one connection for all that a test does."""
    config = ssh_server.configure(clean_environment)
    socket = f"/tmp/assay-ssh-{os.getpid()}-{os.urandom(4).hex()}"  # the path of a socket has to be short
    line = f"ssh -F {config} -o ControlMaster=auto -o ControlPersist=60 -o ControlPath={socket}"
    program = ssh.program(GitConfig(), {**os.environ, "GIT_SSH_COMMAND": line}, batch=True)
    assert program is not None

    def dial(path: Path) -> Dialer:
        url = ssh_server.url(path)
        return ssh.ProgramDialer(url, sshaddress.parsed(url), program, {})

    yield dial
    subprocess.run([*line.split(), "-q", "-O", "exit", "127.0.0.1"], stderr=subprocess.DEVNULL, check=False)


@pytest.fixture
def dial_asyncssh(ssh_server: SshServer, clean_environment: Path) -> Callable[[Path], Dialer]:
    """The way to a repository by asyncssh."""
    pytest.importorskip("asyncssh", reason="needs asyncssh")
    ssh_server.configure(clean_environment)

    def dial(path: Path) -> Dialer:
        url = ssh_server.url(path)
        return PureDialer(url, sshaddress.parsed(url), str(clean_environment), os.environ, {})

    return dial


@pytest.fixture
def git_host(tmp_path: Path) -> Iterator[githttp.GitHost]:
    """A server for the repositories in the test's folder."""
    with githttp.serving(tmp_path) as host:
        yield host


@pytest.fixture
def connect(request: pytest.FixtureRequest, git: Git, tmp_path: Path) -> Iterator[Connect]:
    """Opens the transport as the machine that a repository is on would."""
    kind, _, asks = request.param.partition(", ")
    if kind in SERVERS:
        git("init", "-q", "--bare", str(tmp_path / "remote.git"))
        there: list[GitTransport] = []
        wire = server_of(kind, request, tmp_path / "remote.git")
        yield over_a_wire(wire, RECEIVE_PACK if asks else UPLOAD_PACK, there)
        for server in there:
            server.close()
        git("fsck", "--strict", "--no-dangling", cwd=tmp_path / "remote.git")
        return
    if request.param == "git":
        git("init", "-q", "--bare", str(tmp_path / "remote.git"))
        opened: list[LocalTransport] = []

        def make(repo: Repository) -> GitTransport:
            there = Repository.open(str(tmp_path / "remote.git"))
            opened.append(LocalTransport(there, "remote.git", repo, f"{repo.common_dir}/assay/incoming"))
            return opened[-1]

        yield make
        for transport in opened:
            transport.close()
        git("fsck", "--strict", "--no-dangling", cwd=tmp_path / "remote.git")
        return
    store = store_of(request.param, request, tmp_path)
    yield bucket_of(store, tmp_path)
    store.close()


@pytest.fixture
def source(git: Git, tmp_path: Path) -> Iterator[Repository]:
    """A repository with two commits on main and one experiment on each."""
    folder = tmp_path / "source"
    git("init", "-q", str(folder))
    (folder / "sub").mkdir()
    for number in (1, 2):
        (folder / "a.txt").write_text(f"{number}\n" * 50)
        (folder / "sub" / "b.txt").write_text("always the same\n")
        git("add", ".", cwd=folder)
        git("commit", "-q", "-m", f"commit {number}", cwd=folder)
        experiment(git, folder, f"first-{number}")
    repo = Repository.open(f"{folder}/.git")
    yield repo
    repo.close()


@pytest.fixture
def target(git: Git, tmp_path: Path) -> Iterator[Repository]:
    """An empty repository."""
    git("init", "-q", str(tmp_path / "target"))
    repo = Repository.open(str(tmp_path / "target" / ".git"))
    yield repo
    repo.close()


def experiment(git: Git, folder: Path, name: str) -> str:
    """Makes a child of HEAD with one file more, and a ref for it; returns the ref's name."""
    blob = git("hash-object", "-w", "--stdin", cwd=folder, stdin=name.encode())
    listing = git("ls-tree", "HEAD", cwd=folder) + f"\n100644 blob {blob}\tz.txt\n"
    tree = git("mktree", cwd=folder, stdin=listing.encode())
    commit = git("commit-tree", tree, "-p", "HEAD", "-m", name, cwd=folder)
    head = git("rev-parse", "HEAD", cwd=folder)
    ref = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
    git("update-ref", ref, commit, cwd=folder)
    return ref


def everything(repo: Repository) -> dict[str, Oid]:
    return dict(repo.refs.iterate("refs/"))


def publish(transport: GitTransport, repo: Repository, refs: dict[str, Oid] | None = None) -> list[RefResult]:
    wanted = everything(repo) if refs is None else refs
    known = transport.refs(list(wanted))
    return transport.push([RefUpdate(name, known.get(name), oid) for name, oid in wanted.items()], repo.objects)


def take(transport: GitTransport, repo: Repository, prefixes: tuple[str, ...] = ("refs/",)) -> dict[str, Oid]:
    """Fetches what the refs need and writes the refs, as pull would."""
    refs = dict(transport.refs(prefixes))
    tips = {oid for _, oid in repo.refs.iterate("refs/")}
    transport.fetch(refs.values(), repo.objects, repo.objects, complete=tips.__contains__)
    with repo.refs.transaction() as change:
        for name, oid in refs.items():
            change.put(name, oid)
    return refs


def test_an_empty_remote_has_no_refs_and_no_head(connect: Connect, target: Repository) -> None:
    transport = connect(target)
    assert transport.refs(["refs/"]) == {}
    assert transport.head() is None


def test_what_is_pushed_is_seen_and_arrives_whole(
    connect: Connect, source: Repository, target: Repository, git: Git
) -> None:
    git("tag", "-a", "v1", "-m", "a tag", cwd=source.worktree)
    pushed = everything(source)
    assert len(pushed) == 4
    assert [result.problem for result in publish(connect(source), source)] == [""] * 4
    assert take(connect(target), target) == pushed
    git("fsck", "--strict", "--no-dangling", cwd=target.worktree)
    for oid in pushed.values():
        assert git("rev-list", "--objects", oid.hex(), cwd=target.worktree) == git(
            "rev-list", "--objects", oid.hex(), cwd=source.worktree
        )


def test_what_a_push_would_send_is_told_before(connect: Connect, source: Repository) -> None:
    wanted = everything(source)
    before = connect(source)
    told = before.unsent(list(wanted.values()), source.objects)
    assert before.refs(["refs/"]) == {}
    done = connect(source)
    publish(done, source, wanted)
    assert len(set(told)) == len(told) == done.objects > 0
    assert list(connect(source).unsent(list(wanted.values()), source.objects)) == []


def test_the_first_branch_becomes_the_head(connect: Connect, source: Repository) -> None:
    head = source.head()
    assert head
    publish(connect(source), source, {"refs/heads/main": head})
    publish(connect(source), source, {"refs/heads/second": head})
    assert connect(source).head() == "refs/heads/main"


def test_only_refs_with_the_wanted_prefixes_are_given(connect: Connect, source: Repository) -> None:
    publish(connect(source), source)
    head = source.head()
    assert head
    below = f"refs/exps/{head.hex()[:2]}/{head.hex()[2:]}/"
    transport = connect(source)
    assert transport.refs(["refs/heads/"]) == {"refs/heads/main": head}
    assert list(transport.refs([below])) == [below + "first-2"]
    assert len(transport.refs(["refs/exps/"])) == 2
    assert len(transport.refs(["refs/heads/", below])) == 2
    assert transport.refs(["refs/tags/"]) == {}


def test_pushing_again_sends_nothing(connect: Connect, source: Repository) -> None:
    publish(connect(source), source)
    transport = connect(source)
    assert all(not result.problem for result in publish(transport, source))
    assert (transport.objects, transport.size) == (0, 0)


def test_fetching_again_brings_nothing(connect: Connect, source: Repository, target: Repository) -> None:
    publish(connect(source), source)
    refs = take(connect(target), target)
    have = set(refs.values())
    assert connect(target).fetch(have, target.objects, target.objects, complete=have.__contains__) == 0


def test_a_new_experiment_travels_alone(
    connect: Connect, source: Repository, target: Repository, git: Git, tmp_path: Path
) -> None:
    publish(connect(source), source)
    take(connect(target), target)
    name = experiment(git, tmp_path / "source", "second-2")
    source.refs.close()
    transport = connect(source)
    publish(transport, source)
    assert transport.objects == 3, "a commit, its tree, one file"
    assert name in take(connect(target), target)
    git("fsck", "--strict", "--no-dangling", cwd=target.worktree)


def test_what_a_killed_fetch_left_behind_does_not_count_as_complete(
    connect: Connect, source: Repository, target: Repository, git: Git
) -> None:
    publish(connect(source), source)
    refs = connect(target).refs(["refs/"])
    for oid in refs.values():
        kind, data = source.objects.read(oid)
        target.objects.write(kind, data)
    assert connect(target).fetch(refs.values(), target.objects, target.objects, complete=lambda oid: False) > 0
    for oid in refs.values():
        git("rev-list", "--objects", oid.hex(), cwd=target.worktree)


def test_a_branch_moves_forwards_only(connect: Connect, source: Repository) -> None:
    head = source.head()
    assert head
    before = source.objects.read_commit(head).parents[0]
    assert publish(connect(source), source, {"refs/heads/main": before})[0].problem == ""
    assert publish(connect(source), source, {"refs/heads/main": head})[0].problem == ""
    assert "`assay pull --merge` joins them" in publish(connect(source), source, {"refs/heads/main": before})[0].problem
    assert connect(source).refs(["refs/heads/"]) == {"refs/heads/main": head}


def test_a_branch_with_commits_unknown_here_is_not_moved(
    connect: Connect, source: Repository, target: Repository, git: Git
) -> None:
    publish(connect(source), source)
    git("commit", "-q", "--allow-empty", "-m", "elsewhere", cwd=target.worktree)
    problem = publish(connect(target), target, {"refs/heads/main": target.head() or Oid(b"")})[0].problem
    assert "has commits that" in problem


def test_a_tag_does_not_move(connect: Connect, source: Repository) -> None:
    head = source.head()
    assert head
    before = source.objects.read_commit(head).parents[0]
    publish(connect(source), source, {"refs/tags/v1": before})
    assert "another value" in publish(connect(source), source, {"refs/tags/v1": head})[0].problem


def test_an_unexpected_old_value_is_a_problem_and_leaves_the_rest(connect: Connect, source: Repository) -> None:
    refs = {name: oid for name, oid in everything(source).items() if name.startswith("refs/exps/")}
    publish(connect(source), source)
    (one, first), (two, _) = refs.items()
    wrong = RefUpdate(one, None, refs[two])
    fresh = RefUpdate(one.rpartition("/")[0] + "/third", None, first)
    results = connect(source).push([wrong, fresh], source.objects)
    assert "is not what it was" in results[0].problem
    assert results[1] == RefResult(fresh.refname, "")
    assert connect(source).refs(["refs/exps/"]) == {**refs, fresh.refname: first}


def test_an_experiment_can_be_replaced_and_deleted(connect: Connect, source: Repository) -> None:
    publish(connect(source), source)
    (one, first), (two, second) = ((name, oid) for name, oid in everything(source).items() if "exps" in name)
    assert connect(source).push([RefUpdate(one, first, second)], source.objects)[0].problem == ""
    assert connect(source).refs([one])[one] == second
    assert connect(source).push([RefUpdate(one, second, None)], source.objects)[0].problem == ""
    assert connect(source).refs(["refs/exps/"]) == {two: second}


def test_two_pushers_of_one_name_are_both_visible_and_the_second_is_told(
    connect_bucket: Callable[[Repository], BucketTransport], source: Repository
) -> None:
    """Each has looked before the other wrote."""
    (one, first), (_, second) = ((name, oid) for name, oid in everything(source).items() if "exps" in name)
    publish(connect_bucket(source), source, {"refs/heads/main": source.head() or Oid(b"")})
    slow = connect_bucket(source)
    looked = slow._refs.read([one])
    assert publish(connect_bucket(source), source, {one: first})[0].problem == ""
    slow._send({one: second}, source.objects)
    [result] = slow._refs.move([RefUpdate(one, None, second)], looked)
    leaf = one.rpartition("/")[2]
    beside = {first: one, second: one}
    shown = connect_bucket(source).refs(["refs/exps/"])
    assert len(shown) == 2
    assert set(shown.values()) == {first, second}
    loser = next(name for name in shown if name != one)
    beside[shown[loser]] = loser
    assert loser == f"{one}-{shown[loser].hex()[:7]}"
    if shown[one] == first:
        assert f"Somebody published another experiment as {leaf}" in result.problem
        assert loser.rpartition("/")[2] in result.problem


@pytest.mark.parametrize("name", ["refs/stash", "refs/assay/undo/1", "refs/exps/stash", "refs/exps/ab/cd/x", "HEAD"])
def test_refs_that_are_nobody_elses_business_are_not_shared(connect: Connect, source: Repository, name: str) -> None:
    [result] = connect(source).push([RefUpdate(name, None, source.head())], source.objects)
    assert "is not a ref that can be shared" in result.problem
    assert connect(source).refs(["refs/"]) == {}
