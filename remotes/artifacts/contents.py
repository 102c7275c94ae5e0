"""What artifacts consist of: the files and manifests below them, each manifest read once.

Manifests are read from the cache, level by level; a level that is not there is missing, with all below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from assay.engine.errors import MissingArtifact, StoreError, UnsafePath
from assay.engine.model import Digest
from assay.engine.store.cache import Cache
from assay.engine.store.manifest import named


class Shown(Protocol):
    """The artifacts on a remote, as far as they can be looked at from here."""

    def known(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of these objects that the remote has at this moment."""

    def peek(self, manifest: Digest) -> bytes | None:
        """A directory's manifest, verified; None when it is not there."""


class Contents:
    """The artifacts of a cache, from the top down.

    Args:
        cache: Where manifests are read.

    Attributes:
        broken: Manifests that are damaged or not manifests, with the sentence that says so.
    """

    def __init__(self, cache: Cache) -> None:
        self.broken: dict[Digest, str] = {}
        self._cache = cache
        self._below: dict[Digest, tuple[Digest, ...]] = {}
        self._why: dict[Digest, str] = {}

    def below(self, digest: Digest) -> tuple[Digest, ...] | None:
        """What a manifest names directly, empty for a file; None when the manifest is not in the cache, or broken."""
        if not digest.is_dir:
            return ()
        known = self._below.get(digest)
        if known is None and digest not in self.broken:
            try:
                known = self._below[digest] = named(digest, self._cache.read(digest))
            except MissingArtifact:
                return None
            except (StoreError, UnsafePath) as error:
                self.broken[digest] = error.message
        return known

    def walk(self, roots: Iterable[Digest]) -> tuple[set[Digest], set[Digest]]:
        """Everything below the roots, themselves included, and those of them that cannot be looked into."""
        seen: set[Digest] = set()
        closed: set[Digest] = set()
        stack = list(roots)
        while stack:
            digest = stack.pop()
            if digest in seen:
                continue
            seen.add(digest)
            children = self.below(digest)
            if children is None:
                closed.add(digest)
                continue
            folders = [child for child in children if child.is_dir]
            stack += folders
            seen.update(children if not folders else (child for child in children if not child.is_dir))
        return seen, closed

    def why_not(self, root: Digest, failed: Mapping[Digest, str]) -> str:
        """The sentence of the first thing at or below ``root`` that failed; empty when all of it is well.

        Args:
            root: An artifact.
            failed: What failed; the same, complete mapping in every call.
        """
        if not failed:
            return ""
        stack = [root]
        while stack:
            digest = stack[-1]
            if digest in self._why:
                stack.pop()
                continue
            children = self.below(digest) or ()
            waiting = [child for child in children if child.is_dir and child not in self._why]
            if waiting and digest not in failed:
                stack.extend(waiting)
                continue
            why = failed.get(digest, "")
            for child in children if not why else ():
                why = failed.get(child, "") or self._why.get(child, "")
                if why:
                    break
            self._why[digest] = why
            stack.pop()
        return self._why[root]

    def peek(self, holdings: Shown, roots: Iterable[Digest]) -> set[Digest]:
        """Lends the cache the manifests at and below some artifacts that only a remote has, and returns them."""
        tops, tried, lent = list(roots), set[Digest](), set[Digest]()
        while closed := self.walk(tops)[1] - self.broken.keys() - tried:
            tried |= closed
            for digest in holdings.known(closed):
                if data := holdings.peek(digest):
                    self._cache.lend(digest, data)
                    lent.add(digest)
        return lent
