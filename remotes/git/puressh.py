"""Services run through asyncssh, for machines that have no ``ssh`` program.

Keys come from the agent, from ``~/.ssh/config`` and from the usual files; hosts, users, ports and jump hosts as well
from ``~/.ssh/config``. A host whose key ``known_hosts`` does not have is refused, always: there is no first time here.
Limits: of ssh's system-wide configuration nothing is read; a key with a passphrase has to be in the agent, and there
are no passwords.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from assay.engine.errors import RemoteError, Unavailable
from assay.remotes.git.ssh import quoted
from assay.remotes.git.sshaddress import SshAddress
from assay.remotes.git.ssherrors import failure
from assay.remotes.git.wire import UPLOAD_PACK

if TYPE_CHECKING:
    import asyncssh

T = TypeVar("T")
_CONNECT, _LOGIN, _END = 30, 60, 5  # seconds
_SAID = 16_000  # bytes of stderr that are kept
_PIECE = 1 << 16


class PureDialer:
    """Runs services through asyncssh.

    Args:
        url: What the user calls the repository.
        address: Where it is.
        home: The user's home folder; may be empty.
        environment: The process's variables.
        services: What the services are called there, where that differs from their names.

    Raises:
        RemoteError: asyncssh is not installed.
    """

    def __init__(
        self, url: str, address: SshAddress, home: str, environment: Mapping[str, str], services: Mapping[str, str]
    ) -> None:
        try:
            import asyncssh  # noqa: F401 - whether it is there is to be known before anything is begun
        except ImportError:
            raise RemoteError(
                f"{url}: there is no ssh program here, nor asyncssh, which goes without.",
                "Install it: `pip install 'assay[ssh]'`.",
            ) from None
        self.url = url
        self._address = address
        self._home = home
        self._environment = environment
        self._services = services

    def open(self, service: str) -> PureStream:
        """Connects, logs in and runs the service."""
        import asyncssh

        command = f"{self._services.get(service, service)} {quoted(self._address.path)}"
        version = {"GIT_PROTOCOL": "version=2"} if service == UPLOAD_PACK else {}
        loop = _Loop()
        try:
            connection = loop.run(self._connected())
            process = loop.run(self._started(connection, command, version))
        except BaseException as error:
            loop.close()
            if isinstance(error, asyncssh.Error | OSError | ValueError):
                raise self._failure(error) from error
            raise
        return PureStream(loop, connection, process, self.url, self._address)

    async def _started(
        self, connection: asyncssh.SSHClientConnection, command: str, version: Mapping[str, str]
    ) -> asyncssh.SSHClientProcess[bytes]:
        return await connection.create_process(command, encoding=None, env=version)

    async def _connected(self) -> asyncssh.SSHClientConnection:
        import asyncssh

        config = f"{self._home}/.ssh/config"
        settings: dict[str, Any] = {
            "host": self._address.host,
            "config": [config] if self._home and os.path.isfile(config) else None,
            "connect_timeout": _CONNECT,
            "login_timeout": _LOGIN,
        }
        if self._address.user:
            settings["username"] = self._address.user
        if self._address.port:
            settings["port"] = self._address.port
        named = asyncssh.SSHClientConnectionOptions(**settings, client_keys=None, agent_path=None).known_hosts
        agent = self._environment.get("SSH_AUTH_SOCK") or ()
        return await asyncssh.connect(**settings, known_hosts=self._known(named), agent_path=agent)

    def _known(self, configured: object) -> Any:
        """The files with host keys that are there.

        asyncssh itself would take the setting "none" to mean that no key need be known, and no file for the usual one.
        """
        usual = [f"{self._home}/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"]
        named = [str(path) for path in configured] if isinstance(configured, list) and configured else usual
        if configured is None:
            named = []
        paths = [os.path.join(self._home, path[2:]) if path.startswith("~/") else path for path in named]
        return [path for path in paths if os.path.isfile(path)] or ([], [], [])

    def _failure(self, error: Exception) -> RemoteError:
        import asyncssh

        if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.PermissionDenied):
            return failure(self.url, self._address, _in_the_words_of_ssh(error), None, batch=False)
        if isinstance(error, TimeoutError):
            return Unavailable(f"{self.url}: {self._address.host} does not answer.")
        if isinstance(error, OSError | asyncssh.ConnectionLost):
            return Unavailable(f"{self.url}: {error}.")
        return RemoteError(f"{self.url}: {error}.")


def _in_the_words_of_ssh(error: Exception) -> str:
    import asyncssh

    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "Host key verification failed."
    return f"Permission denied ({error})."


class PureStream:
    """A service behind asyncssh.

    Args:
        loop: Where the connection lives; closed with this.
        connection: The connection.
        process: The service.
        url: What the user calls the repository.
        address: Where it is.
    """

    def __init__(
        self,
        loop: _Loop,
        connection: asyncssh.SSHClientConnection,
        process: asyncssh.SSHClientProcess[bytes],
        url: str,
        address: SshAddress,
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._process = process
        self._url = url
        self._address = address
        self._heard = False
        self._closed = False
        self._said = bytearray()
        self._listener = loop.start(self._listen())

    def read(self, size: int) -> bytes:
        """The next bytes. Raises RemoteError where the service ends before it said anything."""
        import asyncssh

        if self._closed:
            return b""
        try:
            data = self._loop.run(self._process.stdout.read(size))
        except (asyncssh.Error, OSError) as error:
            raise Unavailable(f"{self._url}: the connection is gone: {error}.") from error
        if not data and not self._heard:
            with suppress(Exception):
                self._loop.run(asyncio.wait_for(self._process.wait_closed(), _END))
            raise failure(self._url, self._address, self.said(), self._process.exit_status, batch=False)
        self._heard = True
        return data

    def write(self, data: bytes) -> None:
        """Sends all of the bytes."""
        import asyncssh

        if self._closed:
            raise BrokenPipeError
        try:
            self._loop.run(self._send(data))
        except (asyncssh.Error, OSError) as error:
            raise BrokenPipeError from error

    def said(self) -> str:
        """What the service wrote to stderr."""
        return self._said.decode(errors="replace")

    def close(self) -> None:
        """Ends the service and the connection."""
        if self._closed:
            return
        self._closed = True
        with suppress(Exception):
            self._loop.run(asyncio.wait_for(self._end(), _END))
        self._loop.close()

    async def _send(self, data: bytes) -> None:
        for at in range(0, len(data), _PIECE):
            self._process.stdin.write(data[at : at + _PIECE])
            await self._process.stdin.drain()

    async def _listen(self) -> None:
        with suppress(Exception):
            while data := await self._process.stderr.read(4096):
                self._said += data
                del self._said[:-_SAID]

    async def _end(self) -> None:
        self._process.stdin.write_eof()
        self._process.close()
        self._connection.close()
        await self._connection.wait_closed()


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Waits for what is done there."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    def start(self, doing: Coroutine[Any, Any, None]) -> object:
        """Begins something there."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop)

    def close(self) -> None:
        """Ends the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END)
        if not self._thread.is_alive():
            self._loop.close()
