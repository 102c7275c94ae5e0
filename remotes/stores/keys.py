"""Which keys a store accepts: POSIX paths that mean the same on every kind of store."""

from __future__ import annotations

from assay.engine.errors import RemoteError


def checked(key: str) -> str:
    """The key itself. Raises RemoteError on one that some store would take for another place.

    Refused are the empty key, a leading or trailing slash, NUL, what is not Unicode, and the components "", ".", "..".
    """
    if not is_key(key):
        raise RemoteError(f"{key!r} cannot be a key of a remote.")
    return key


def is_key(key: str) -> bool:
    """Whether `checked` accepts it. Stores leave out of lists what others have put there and is no key."""
    if "\0" in key or any(part in ("", ".", "..") for part in key.split("/")):
        return False
    return not any("\ud800" <= char <= "\udfff" for char in key)
