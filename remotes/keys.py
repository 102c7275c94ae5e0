"""Which keys a store accepts: POSIX paths that mean the same on every kind of store."""

from __future__ import annotations

from assay.engine.errors import RemoteError


def checked(key: str) -> str:
    """The key itself. Raises RemoteError on one that some store would take for another place.

    Refused are the empty key, a leading or trailing slash, NUL, what is not Unicode, and the components "", ".", "..".
    """
    parts = key.split("/")
    if "\0" in key or any(part in ("", ".", "..") for part in parts) or any("\ud800" <= c <= "\udfff" for c in key):
        raise RemoteError(f"{key!r} cannot be a key of a remote.")
    return key
