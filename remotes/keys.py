"""Which keys a store accepts: POSIX paths that mean the same on every kind of store."""

from __future__ import annotations

from assay.engine.errors import RemoteError


def checked(key: str) -> str:
    """The key itself. Raises RemoteError on one that some store would take for another place.

    Refused are the empty key, a leading or trailing slash, NUL, and the components "", "." and "..".
    """
    if not key or "\0" in key or any(part in ("", ".", "..") for part in key.split("/")):
        raise RemoteError(f"{key!r} cannot be a key of a remote.")
    return key
