"""What is wrong on a remote, as values: which key, what it says, and what cannot be had because of it."""

from __future__ import annotations

from typing import NamedTuple

from assay.engine.model import Digest, Oid
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import hasher
from assay.remotes.copies import Copies

QUARANTINE = "quarantine/"
"""Below it lies what was damaged, under its key and the first digits of the SHA-256 of its content."""
_NOT_LOOKED_AT = (QUARANTINE, "tmp/")


class Damage(NamedTuple):
    """A key of a remote that is not as it should be.

    Attributes:
        kind: What lies there, in a word or two.
        key: The key.
        text: What is wrong, as a sentence.
        artifacts: What cannot be had from it; ``objects`` likewise, of Git's.
        is_gone: Whether nothing is there at all.
    """

    kind: str
    key: str
    text: str
    artifacts: frozenset[Digest] = frozenset()
    objects: frozenset[Oid] = frozenset()
    is_gone: bool = False


class NoCopies(Copies):
    """What a check believes of local copies: nothing."""

    def __init__(self) -> None:
        super().__init__("")

    def read(self, key: str) -> bytes | None:  # noqa: ARG002  # as everywhere
        """Nothing."""
        return None

    def write(self, key: str, data: bytes) -> None:
        """Keeps nothing."""


class Hashed:
    """A sink that keeps of what comes only its hash.

    Args:
        digest: Which hash, and what it should be.
    """

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self.restart()

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._state.update(data)

    def restart(self) -> None:
        """Begins again."""
        self._state = hasher(self._digest.algo)

    @property
    def is_right(self) -> bool:
        """Whether it was what the digest says."""
        return self._state.digest().hex() == self._digest.hex


def keys_on(store: RemoteStore) -> dict[str, int]:
    """Every key of a remote with its size; scratch keys and the quarantine are left out."""
    return {info.key: info.size for info in store.list("") if not info.key.startswith(_NOT_LOOKED_AT)}
