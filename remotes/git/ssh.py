"""Services run through the system's ``ssh``, as Git runs them: the same program, the same words, the same settings.

Which program: ``GIT_SSH_COMMAND``, ``core.sshCommand``, ``GIT_SSH``, else ``ssh``; which options it knows:
``GIT_SSH_VARIANT``, ``ssh.variant``, else what its name or a try with ``-G`` says. Keys, agents, hosts and proxies are
ssh's own business. Where nobody can be asked, ssh is told so, and fails instead of waiting. A configured program is
the user's own word, in the repository's ``.git/config`` too, which never comes from a remote: Git trusts it likewise.

Limits: plink and its kin are told their options and were never tried.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from shutil import which
from typing import NamedTuple

from assay.engine.errors import ConfigError, RemoteError
from assay.engine.git.gitconfig import GitConfig
from assay.remotes.git.sshaddress import SshAddress
from assay.remotes.git.ssherrors import failure
from assay.remotes.git.wire import UPLOAD_PACK

_KNOWN = {"ssh": "ssh", "plink": "plink", "tortoiseplink": "tortoiseplink"}
_VARIANTS = {"ssh": "ssh", "plink": "plink", "putty": "plink", "tortoiseplink": "tortoiseplink", "simple": "simple"}
_SAID = 16_000  # bytes of stderr that are kept
_TRY, _END = 10.0, 5.0  # seconds
_PLAIN = re.compile(r"[\w/.~-]+(?: [\w/.~:=,@%+ '\"-]*)?")


class Program(NamedTuple):
    """What runs ssh.

    Attributes:
        command: A line for the shell, or the path or name of a program.
        is_line: Whether it is a line for the shell.
        variant: "ssh", "plink", "tortoiseplink", "simple"; empty where it has to be found out.
        batch: Whether nobody can be asked anything.
        environment: The variables that it gets.
    """

    command: str
    is_line: bool
    variant: str
    batch: bool
    environment: Mapping[str, str]

    def words(self, *options: str) -> list[str]:
        """The command with these words after it."""
        if not self.is_line:
            return [self.command, *options]
        first = "exec " if _is_plain(self.command) else ""  # so that it is ssh that is told to end, not a shell
        return ["/bin/sh", "-c", f'{first}{self.command} "$@"', self.command, *options]


def _is_plain(line: str) -> bool:
    """Whether a line for the shell is an ssh program with options, and nothing that only a shell understands."""
    words = line.split()
    return bool(words) and "ssh" in os.path.basename(words[0]) and _PLAIN.fullmatch(line) is not None


def program(config: GitConfig, environment: Mapping[str, str], *, batch: bool) -> Program | None:
    """The ssh to use; None where none is configured and there is none.

    Args:
        config: Git's configuration.
        environment: The process's variables.
        batch: Whether nobody is there to be asked.

    Raises:
        ConfigError: The variant is none that Git knows.
    """
    command = environment.get("GIT_SSH_COMMAND") or config.get("core.sshCommand")
    is_line = bool(command)
    command = command or environment.get("GIT_SSH", "") or which("ssh", path=environment.get("PATH", os.defpath)) or ""
    if not command:
        return None
    chosen = (environment.get("GIT_SSH_VARIANT") or config.get("ssh.variant") or "auto").lower()
    if chosen != "auto" and chosen not in _VARIANTS:
        raise ConfigError(f"Git's setting ssh.variant is {chosen!r}.", "It can be auto, ssh, plink, putty or simple.")
    variant = _VARIANTS.get(chosen) or _KNOWN.get(_name(command, is_line=is_line), "")
    asks = bool(environment.get("SSH_ASKPASS"))  # ssh asks in a window then, unless it is told not to
    return Program(command, is_line, variant, batch and not asks, environment)


def _name(command: str, *, is_line: bool) -> str:
    """The name of the program that a command begins with, as far as it can be told."""
    if is_line:
        try:
            command = (shlex.split(command) or [""])[0]
        except ValueError:
            return ""
    return os.path.basename(command).lower().removesuffix(".exe")


class ProgramDialer:
    """Runs services by an ssh program.

    Args:
        url: What the user calls the repository.
        address: Where it is.
        program: The ssh program.
        services: What the services are called there, where that differs from their names.
    """

    def __init__(self, url: str, address: SshAddress, program: Program, services: Mapping[str, str]) -> None:
        self.url = url
        self._address = address
        self._program = program
        self._services = services

    def open(self, service: str) -> ProgramStream:
        """Starts ssh. Raises RemoteError where that cannot be done."""
        program = self._program
        if not program.variant:
            program = self._program = program._replace(variant=self._found_out())
        environment = dict(program.environment)
        if service == UPLOAD_PACK:
            environment["GIT_PROTOCOL"] = "version=2"
        command = f"{self._services.get(service, service)} {quoted(self._address.path)}"
        words = program.words(*self._options(service), self._address.login, command)
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own program; the server's words are quoted
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=environment
            )
        except OSError as error:
            raise RemoteError(f"{self.url}: {program.command} cannot be started: {error.strerror}.") from error
        return ProgramStream(process, self.url, self._address, batch=program.batch)

    def _options(self, service: str) -> list[str]:
        variant, port = self._program.variant, self._address.port
        if variant == "simple":
            if port:
                raise RemoteError(
                    f"{self.url}: {self._program.command} cannot be told a port.",
                    "Say what it is: `git config ssh.variant ssh`.",
                )
            return []
        if variant != "ssh":
            quiet = variant == "tortoiseplink" or self._program.batch
            return [*(["-batch"] if quiet else []), *(["-P", str(port)] if port else [])]
        sends = ["-o", "SendEnv=GIT_PROTOCOL"] if service == UPLOAD_PACK else []
        return [*sends, *(["-o", "BatchMode=yes"] if self._program.batch else []), *(["-p", str(port)] if port else [])]

    def _found_out(self) -> str:
        """Whether the program is an OpenSSH: only that prints its settings when asked with ``-G``."""
        nothing = subprocess.DEVNULL
        try:
            tried = subprocess.run(  # noqa: S603 - the user's own program
                self._program.words("-G", self._address.login),
                stdin=nothing, stdout=nothing, stderr=nothing, timeout=_TRY, check=False,
                env=dict(self._program.environment),
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return "simple"
        return "ssh" if tried.returncode == 0 else "simple"


class ProgramStream:
    """A service behind a running ssh.

    Args:
        process: ssh, with pipes without buffers.
        url: What the user calls the repository.
        address: Where it is.
        batch: Whether ssh was told to ask nobody.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, address: SshAddress, *, batch: bool) -> None:
        self._process = process
        self._url = url
        self._address = address
        self._batch = batch
        self._heard = False
        self._said = bytearray()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def read(self, size: int) -> bytes:
        """The next bytes. Raises RemoteError where ssh ends before the service said anything."""
        pipe = self._process.stdout
        data = pipe.read(size) if pipe is not None and not pipe.closed else b""
        if data:
            self._heard = True
        elif not self._heard:
            self._heard = True
            status = self._ended()
            raise failure(self._url, self._address, self.said(), status, batch=self._batch)
        return data or b""

    def write(self, data: bytes) -> None:
        """Sends all of the bytes."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            raise BrokenPipeError
        view = memoryview(data)
        while view:
            view = view[pipe.write(view) :]

    def said(self) -> str:
        """What ssh and the service wrote to stderr."""
        return self._said.decode(errors="replace")

    def close(self) -> None:
        """Ends ssh: politely, then not; one that was never listened to may be asking somebody something, or nobody."""
        if not self._heard:
            self._process.terminate()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._ended()

    def _ended(self) -> int:
        """Waits for ssh to end and for what it says; returns its status."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            status = self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._listener.join(_END / 5)  # a connection that ssh shares with later ones keeps its stderr open
        return status

    def _listen(self) -> None:
        pipe = self._process.stderr
        if pipe is None:
            return
        with suppress(OSError, ValueError), pipe:
            while data := pipe.read(4096):
                self._said += data
                del self._said[:-_SAID]


def quoted(text: str) -> str:
    """A word for the shell on the other side, in Git's way of quoting, which restricted shells expect."""
    return "'" + text.replace("'", "'\\''").replace("!", "'\\!'") + "'"
