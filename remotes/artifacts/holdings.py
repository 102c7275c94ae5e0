"""What a remote holds of a project's artifacts, in whatever layout: the one face that exchange and collection see.

`packed` is assay's own layout, `loose` the one of DVC; `layouts` chooses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from assay.engine.errors import RemoteError
from assay.engine.model import Digest
from assay.remotes.artifacts.contents import Contents

_IN_A_ROW = 4


class Moved:
    """What a transfer did: how many artifacts and bytes travelled, and what is left, with a sentence each."""

    def __init__(self, artifacts: int = 0, size: int = 0) -> None:
        self.artifacts = artifacts
        self.size = size
        self.failed: dict[Digest, str] = {}


class Patience:
    """How much refusal a transfer takes: single things may fail, but where nothing works any more it ends."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def passed(self) -> None:
        """Something worked."""
        self._in_a_row = 0

    def refused(self, error: RemoteError) -> str:
        """The sentence that says why one thing failed. Raises the error when it is one too many in a row."""
        self._in_a_row += 1
        if self._in_a_row >= _IN_A_ROW:
            raise error
        return error.message


class Holdings(Protocol):
    """The artifacts on one remote."""

    @property
    def damaged(self) -> Mapping[str, str]:
        """What was found damaged so far, by key, with a sentence."""

    def whole(self, roots: Collection[Digest]) -> set[Digest]:
        """Those of these artifacts that are there with all below them, as far as that can be told without looking in.

        Raises:
            RemoteError: The remote refuses altogether.
        """

    def remember(self, roots: Collection[Digest], contents: Contents) -> None:
        """Takes note of artifacts that `send`, which had nothing to do, has just found there with all below them."""

    def send(self, digests: Collection[Digest], contents: Contents) -> Moved:
        """Makes sure that the remote has each of these objects; a manifest only when it has all that this names.

        Args:
            digests: Files and manifests, with all that the manifests name.
            contents: What manifests name.

        Raises:
            RemoteError: The remote refuses altogether.
        """

    def tidy(self) -> None:
        """Puts in order what `send` left, once that is published. It can wait: what fails is tried by a later push."""

    def bring(self, roots: Iterable[Digest], contents: Contents, *, only_manifests: bool = False) -> Moved:
        """Makes sure that the cache has these artifacts and all below them.

        Args:
            roots: Files and directories.
            contents: What manifests name; manifests that arrive are read through it.
            only_manifests: Whether to leave files where they are.

        Raises:
            RemoteError: The remote refuses altogether.
        """

    def known(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of these objects that the remote has at this moment: each was looked for by its own name."""

    def peek(self, manifest: Digest) -> bytes | None:
        """A directory's manifest, verified, which nobody keeps; None when it is not there, or is not as its name says.

        `known` was asked a moment ago.
        """
