"""What it means when ssh ends before the service said anything: one sentence, with ssh's own words in it."""

from __future__ import annotations

import re

from assay.engine.errors import AccessDenied, RemoteError, Unavailable
from assay.remotes.git.sshaddress import SshAddress

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NOISE = ("warning: permanently added", "pseudo-terminal", "fatal: could not read from remote", "@@@", "** ")
_HOST_KEY = ("host key verification failed", "host key is not trusted", "no matching host key")
_CHANGED = "remote host identification has changed"
_NOT_THERE = (
    "does not appear to be a git repository", "not a git repository", "repository not found", "no such repository",
    "project you were looking for could not be found", "does not exist",
)  # fmt: skip
_NO_WAY = (
    "could not resolve hostname", "connection refused", "timed out", "no route to host", "network is unreachable",
    "connection reset", "connection closed by", "kex_exchange_identification", "broken pipe",
)  # fmt: skip
_NO_GIT = ("command not found", "git-upload-pack: not found", "git-receive-pack: not found")


def failure(url: str, address: SshAddress, said: str, status: int | None, *, batch: bool) -> RemoteError:
    """The error to raise.

    Args:
        url: What the user calls the repository.
        address: Where it is.
        said: What ssh wrote to its stderr.
        status: How it ended; None where that is not known.
        batch: Whether ssh was told to ask nobody.
    """
    lines = [line for raw in said.splitlines() if (line := _CONTROL.sub("", raw).strip())]
    lower = said.lower()
    if any(word in lower for word in _HOST_KEY):
        return _host_key(url, address, changed=_CHANGED in lower)
    if line := _line(lines, ("permission denied (", "too many authentication failures", "permission denied for user")):
        nobody = " Nobody could be asked for a password or passphrase." if batch else ""
        return AccessDenied(
            f"{url}: {_sentence(line)}{nobody}",
            f"Try `{address.by_hand}`: it has to get in with a key of your agent or of your ssh configuration.",
        )
    if line := _line(lines, _NOT_THERE):
        return RemoteError(f"{url}: {_sentence(line)}", "Check the URL, and whether you may read it.")
    if line := _line(lines, _NO_GIT):
        return RemoteError(f"{url}: {_sentence(line)}", "Git has to be installed there.")
    if line := _line(lines, _NO_WAY):
        return Unavailable(f"{url}: {_sentence(line)}", f"Try `{address.by_hand}`.")
    quiet = [line for line in lines if not line.lower().startswith(_NOISE)]
    ended = f"ssh ended with {status}" if status is not None else "the connection ended"
    if not quiet:
        return RemoteError(f"{url}: {ended} and said nothing.", f"Try `{address.by_hand}`.")
    return RemoteError(f"{url}: {ended}: {_sentence(quiet[-1])}", f"Try `{address.by_hand}`.")


def _host_key(url: str, address: SshAddress, *, changed: bool) -> RemoteError:
    if changed:
        return AccessDenied(
            f"{url}: {address.host} does not have the host key that known_hosts says it has.",
            "Somebody may be in between. Ask whoever runs it before you change known_hosts.",
        )
    return AccessDenied(
        f"{url}: the host key of {address.host} is not in known_hosts.",
        f"Connect once with `{address.by_hand}` and compare the fingerprint.",
    )


def _line(lines: list[str], words: tuple[str, ...]) -> str:
    """The last line that has one of the words."""
    return next((line for line in reversed(lines) if any(word in line.lower() for word in words)), "")


def _sentence(line: str) -> str:
    line = re.sub(r"^(fatal|error|ERROR|ssh|remote): ", "", line[:300])
    return line if line.endswith((".", "!", "?")) else line + "."
