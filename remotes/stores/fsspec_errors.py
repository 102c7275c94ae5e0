"""What the clients behind fsspec raise, as our errors with a sentence.

Each client has exceptions of its own, and a program need not have it installed to know them: decisions are taken from
the HTTP status where the exception has one, and from the names of its classes. Words that a server or a client chose
are shown only where they cannot hold what is secret.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from assay.engine.errors import AccessDenied, AssayError, ConfigError, KeyMissing, RemoteError, Unavailable

_CREDENTIALS = "Check the remote's settings for credentials, or log in with the provider's own program."
_DENIED = {
    "PermissionError", "PermissionDenied", "SFTPPermissionDenied", "ClientAuthenticationError", "ForbiddenOperation",
    "DefaultCredentialsError", "RefreshError", "CredentialUnavailableError", "GoogleAuthError", "KeyImportError",
    "KeyEncryptionError",
}  # fmt: skip
_HOST_KEY = {"HostKeyNotVerifiable"}
_CERTIFICATE = {"SSLError", "ClientSSLError", "ClientConnectorCertificateError", "SSLCertVerificationError"}
_MISSING = {"FileNotFoundError", "ResourceNotFound", "ResourceNotFoundError", "SFTPNoSuchFile", "IsADirectoryError"}
_AWAY = {
    "ConnectionError", "ConnectionLost", "DisconnectError", "SFTPConnectionLost", "SFTPNoConnection",
    "ChannelOpenError", "TimeoutError", "FSTimeoutError", "ServiceRequestError", "ServiceResponseError",
    "ClientConnectionError", "ClientPayloadError", "TransportError", "BadGatewayError", "BrokenPipeError", "gaierror",
    "EOFError",
}  # fmt: skip
_CONFIG = {"ValueError", "TypeError", "ConfigParseError", "InvalidURL", "NonHttpUrlClientError", "UnsupportedProtocol"}
_FULL = {"InsufficientStorage", "SFTPNoSpaceOnFilesystem", "SFTPQuotaExceeded"}
_GONE = (404, 410)
_REFUSED = (401, 403, 407)
_LATER = (408, 429)
_BROKEN = 500


@contextmanager
def translated(url: str, key: str, doing: str) -> Iterator[None]:
    """Lets our own errors pass, and turns all others into them.

    Args:
        url: The remote, without credentials.
        key: What it is about; empty for the remote itself.
        doing: The verb of the sentence: "reading", "writing", "listing", "removing".

    Raises:
        RemoteError: Or one of its kinds.
        ConfigError: The client cannot be made of these settings.
    """
    try:
        yield
    except AssayError:
        raise
    except Exception as error:  # noqa: BLE001  # each client has its own
        _raise(error, url, f"{url}/{key}" if key else url, doing)


def _raise(error: Exception, url: str, place: str, doing: str) -> NoReturn:
    causes = [error, *filter(None, (error.__cause__, error.__context__))]
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    status = next(filter(None, map(_status, causes)), 0)
    what = f"{doing.capitalize()} {place}"
    said = f"{status}" if status else type(causes[-1] if isinstance(error, OSError) else error).__name__
    if names & _HOST_KEY:
        raise AccessDenied(
            f"The key of the server at {url} is not known to this machine.",
            "Connect once with ssh to accept it, or name a file with it: known_hosts.",
        ) from error
    if names & _CERTIFICATE:
        raise RemoteError(f"The certificate of {url} cannot be verified.", "Set the remote's ssl_verify.") from error
    if status in _REFUSED or (not status and (names & _DENIED or _errno(causes) in (errno.EACCES, errno.EPERM))):
        raise AccessDenied(f"{what} was refused ({said}).", _CREDENTIALS) from error
    if status in _GONE or (not status and names & _MISSING):
        raise KeyMissing(f"{place} does not exist.") from error
    if names & _FULL or _errno(causes) in (errno.ENOSPC, errno.EDQUOT):
        raise RemoteError(f"No space left while {doing} {place}.", "Free some space there and try again.") from error
    if status in _LATER or status >= _BROKEN or (not status and names & _AWAY):
        raise Unavailable(f"{what} failed ({said}).", "Check the network, and try again in a while.") from error
    if names & _CONFIG:
        raise ConfigError(
            f"{what} failed ({said}): the settings do not fit.", "Check the remote's settings."
        ) from error
    raise RemoteError(f"{what} failed ({said}).") from error


def _status(error: BaseException) -> int:
    """The HTTP status behind an exception; 0 where it has none."""
    response = getattr(error, "response", None)
    for holder, name in ((error, "status"), (error, "status_code"), (response, "status_code"), (error, "code")):
        found = getattr(holder, name, 0)  # one by one: aiohttp warns of whoever asks for its old ``code``
        if isinstance(found, int) and 100 <= found < 600:
            return found
    return 0


def _errno(causes: list[BaseException]) -> int | None:
    return next((cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno), None)
