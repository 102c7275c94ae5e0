"""Services behind ssh: a real sshd, reached by the system's ssh and by asyncssh; and programs that are no ssh."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine.errors import AccessDenied, ConfigError, RemoteError, Unavailable
from assay.engine.git.gitconfig import GitConfig, parse
from assay.remotes.git.puressh import PureDialer
from assay.remotes.git.ssh import Program, ProgramDialer, program, quoted
from assay.remotes.git.sshaddress import parsed
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK, Dialer
from tests.sshserver import SshServer

Dial = Callable[[str], Dialer]


@pytest.fixture(params=["ssh", "asyncssh"])
def dial(request: pytest.FixtureRequest, ssh_server: SshServer, clean_environment: Path) -> Dial:
    """Makes the way to a URL."""
    if request.param == "asyncssh":
        pytest.importorskip("asyncssh", reason="needs asyncssh")
        ssh_server.configure(clean_environment)
        return lambda url: PureDialer(url, parsed(url), str(clean_environment), os.environ, {})
    config = ssh_server.configure(clean_environment)
    environment = {**os.environ, "GIT_SSH_COMMAND": f"ssh -F {config}"}
    found = program(GitConfig(), environment, batch=True)
    assert found is not None
    return lambda url: ProgramDialer(url, parsed(url), found, {})


@pytest.fixture
def bare(git: Callable[..., str], tmp_path: Path) -> Path:
    folder = tmp_path / "it's a repo!.git"
    git("init", "-q", "--bare", str(folder))
    return folder


@pytest.fixture
def refused(dial: Dial) -> Callable[[str], RemoteError]:
    """The error of a service that never says anything."""

    def ask(url: str) -> RemoteError:
        with pytest.raises(RemoteError) as raised:  # noqa: PT012 - some ways notice at once, some when they read
            stream = dial(url).open(UPLOAD_PACK)
            try:
                stream.read(10)
            finally:
                stream.close()
        return raised.value

    return ask


def test_a_service_greets_in_the_new_protocol_and_ends_when_it_is_closed(
    dial: Dial, ssh_server: SshServer, bare: Path
) -> None:
    stream = dial(ssh_server.url(bare)).open(UPLOAD_PACK)
    assert stream.read(14) == b"000eversion 2\n"
    stream.close()
    stream.close()
    assert stream.read(1) == b""
    with pytest.raises(BrokenPipeError):
        stream.write(b"0000")


def test_the_service_that_takes_objects_is_not_asked_for_the_new_protocol(
    dial: Dial, ssh_server: SshServer, bare: Path
) -> None:
    stream = dial(ssh_server.url(bare)).open(RECEIVE_PACK)
    greeting = stream.read(1000)
    stream.write(b"0000")
    while piece := stream.read(1000):
        greeting += piece
    assert b"capabilities^{}" in greeting
    assert greeting.endswith(b"0000")
    stream.close()


def test_hosts_are_what_the_configuration_calls_them(dial: Dial, bare: Path) -> None:
    stream = dial(f"here:{bare}").open(UPLOAD_PACK)
    assert stream.read(4) == b"000e"
    stream.close()


def test_a_megabyte_goes_each_way(dial: Dial, ssh_server: SshServer, git: Callable[..., str], bare: Path) -> None:
    """By a service that gives back what it gets."""
    dialer = dial(ssh_server.url("/"))
    assert isinstance(dialer, ProgramDialer | PureDialer)
    dialer._services = {UPLOAD_PACK: "cat - #"}
    stream = dialer.open(UPLOAD_PACK)
    data = os.urandom(1 << 20)
    got = bytearray()
    for at in range(0, len(data), 1 << 16):
        stream.write(data[at : at + (1 << 16)])
        while len(got) < at + (1 << 16):
            got += stream.read(1 << 18)
    stream.close()
    assert got == data


def test_a_repository_that_is_not_there_is_said_in_the_words_of_the_server(
    refused: Callable[[str], RemoteError], ssh_server: SshServer
) -> None:
    error = refused(ssh_server.url("/no/such/repo.git"))
    assert "'/no/such/repo.git' does not appear to be a git repository." in error.message
    assert "Check the URL" in error.hint


def test_a_key_that_the_server_does_not_know(
    refused: Callable[[str], RemoteError], ssh_server: SshServer, clean_environment: Path, bare: Path
) -> None:
    ssh_server.configure(clean_environment, key="stranger")
    error = refused(ssh_server.url(bare))
    assert isinstance(error, AccessDenied)
    assert "Permission denied" in error.message
    assert f"ssh -p {ssh_server.port}" in error.hint


def test_a_host_that_is_not_known_is_refused(
    refused: Callable[[str], RemoteError], ssh_server: SshServer, clean_environment: Path, bare: Path
) -> None:
    ssh_server.configure(clean_environment, known=False)
    error = refused(ssh_server.url(bare))
    assert isinstance(error, AccessDenied)
    assert "the host key of 127.0.0.1 is not in known_hosts" in error.message
    assert "compare the fingerprint" in error.hint


def test_a_host_with_another_key_is_refused(
    refused: Callable[[str], RemoteError], ssh_server: SshServer, clean_environment: Path, bare: Path
) -> None:
    ssh_server.configure(clean_environment)
    other = (ssh_server.folder / "stranger.pub").read_text().split()[1]
    (clean_environment / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{ssh_server.port} ssh-ed25519 {other}\n")
    error = refused(ssh_server.url(bare))
    assert isinstance(error, AccessDenied)
    assert "host key" in error.message


def test_configured_to_know_no_hosts_means_that_none_is_let_in(
    refused: Callable[[str], RemoteError], ssh_server: SshServer, clean_environment: Path, bare: Path
) -> None:
    config = ssh_server.configure(clean_environment)
    config.write_text(config.read_text().replace(f"{clean_environment}/.ssh/known_hosts", "none"))
    assert isinstance(refused(ssh_server.url(bare)), AccessDenied)


def test_nobody_listens_there(refused: Callable[[str], RemoteError]) -> None:
    error = refused("ssh://127.0.0.1:1/x.git")
    assert isinstance(error, Unavailable)
    assert "ssh://127.0.0.1:1/x.git: " in error.message


def test_a_service_that_is_not_installed_there(dial: Dial, ssh_server: SshServer, bare: Path) -> None:
    dialer = dial(ssh_server.url(bare))
    assert isinstance(dialer, ProgramDialer | PureDialer)
    dialer._services = {UPLOAD_PACK: "no-such-program"}
    stream = dialer.open(UPLOAD_PACK)
    with pytest.raises(RemoteError) as raised:
        stream.read(10)
    stream.close()
    assert "not found" in raised.value.message
    assert raised.value.hint == "Git has to be installed there."


@pytest.fixture
def agent(ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An ssh agent that holds the key, named in the environment."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("needs ssh-agent")
    socket = f"/tmp/assay-agent-{os.getpid()}-{os.urandom(4).hex()}"  # the path of a socket has to be short
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    while not os.path.exists(socket):
        assert process.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", socket)
    subprocess.run(["ssh-add", "-q", str(ssh_server.folder / "id")], check=True)
    yield socket
    process.terminate()
    process.wait()


def test_the_agent_gives_the_key(
    agent: str, dial: Dial, ssh_server: SshServer, clean_environment: Path, bare: Path
) -> None:
    config = ssh_server.configure(clean_environment)
    config.write_text(f"Host *\n UserKnownHostsFile {clean_environment}/.ssh/known_hosts\n StrictHostKeyChecking yes\n")
    stream = dial(ssh_server.url(bare)).open(UPLOAD_PACK)
    assert stream.read(4) == b"000e"
    stream.close()


def test_without_ssh_and_asyncssh_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    with pytest.raises(RemoteError) as raised:
        PureDialer("ssh://h/p", parsed("ssh://h/p"), "", {}, {})
    assert "pip install 'assay[ssh]'" in raised.value.hint


def _program(text: str, **environment: str) -> Program | None:
    return program(GitConfig(parse(text, "config")), environment, batch=True)


def test_the_program_is_chosen_as_git_chooses(tmp_path: Path) -> None:
    (tmp_path / "ssh").touch(0o755)
    both = {"GIT_SSH": "/a/plink.exe", "GIT_SSH_COMMAND": "my-ssh -4"}
    config = "[core]\n sshCommand = 'C' -x\n"
    found = [
        _program(config, **both), _program(config, GIT_SSH="x"), _program("", GIT_SSH="/a/plink.exe"),
        _program("", PATH=str(tmp_path)), _program("", PATH=str(tmp_path / "none")),
    ]  # fmt: skip
    assert [one and one[:4] for one in found] == [
        ("my-ssh -4", True, "", True), ("'C' -x", True, "", True), ("/a/plink.exe", False, "plink", True),
        (f"{tmp_path}/ssh", False, "ssh", True), None,
    ]  # fmt: skip


def test_a_window_that_asks_is_somebody() -> None:
    found = _program("", GIT_SSH="ssh", SSH_ASKPASS="/usr/bin/ssh-askpass")
    assert found is not None
    assert not found.batch


def test_a_variant_that_nobody_knows() -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        _program("[ssh]\n variant = nonsense\n", GIT_SSH="ssh")


@pytest.mark.parametrize(("status", "options"), [(0, "-p 22 "), (1, None)])
def test_a_program_of_another_name_is_tried(tmp_path: Path, status: int, options: str | None) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/log\n[ "$1" = -G ] && exit {status}\necho oops >&2; exit 3\n'
    )
    wrapper.chmod(0o755)
    found = program(GitConfig(), {**os.environ, "GIT_SSH": str(wrapper)}, batch=False)
    assert found is not None
    dialer = ProgramDialer("ssh://h:22/p", parsed("ssh://h:22/p"), found, {})
    if options is None:
        with pytest.raises(RemoteError, match="cannot be told a port"):
            dialer.open(RECEIVE_PACK)
        return
    stream = dialer.open(RECEIVE_PACK)
    with pytest.raises(RemoteError, match=r"ssh ended with 3: oops\."):
        stream.read(1)
    stream.close()
    assert (tmp_path / "log").read_text() == f"-G h\n{options}h git-receive-pack '/p'\n"


def test_a_program_that_is_not_there() -> None:
    found = program(GitConfig(), {"GIT_SSH": "/no/such/ssh"}, batch=True)
    assert found is not None
    with pytest.raises(RemoteError, match="/no/such/ssh cannot be started"):
        ProgramDialer("ssh://h/p", parsed("ssh://h/p"), found, {}).open(UPLOAD_PACK)


def test_a_word_for_the_shell_there_is_quoted_as_git_quotes_it() -> None:
    assert quoted("it's!") == "'it'\\''s'\\!''"


@pytest.mark.parametrize("line", ["", " -F 'x y'", " -o a=b"])
def test_a_program_that_nobody_listened_to_is_told_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("assay.remotes.git.ssh._END", 60.0)
    script = tmp_path / "quiet-ssh"
    told, ready = tmp_path / "told", tmp_path / "ready"
    script.write_text(f"#!/bin/sh\ntrap 'touch {told}; exit' TERM\ntouch {ready}\nwhile :; do sleep 0.05; done\n")
    script.chmod(0o755)
    found = Program(f"{script}{line}", bool(line), "simple", True, os.environ)
    stream = ProgramDialer("ssh://h/x", parsed("ssh://h/x"), found, {}).open(UPLOAD_PACK)
    end = time.monotonic() + 60
    while not ready.exists() and time.monotonic() < end:
        time.sleep(0.01)
    stream.close()
    assert told.exists()
