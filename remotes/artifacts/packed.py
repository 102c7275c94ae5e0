"""Artifacts in assay's own layout: small ones in packs, large ones as objects of their own (`shelf`, `native`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from assay.engine.errors import AssayError, KeyMissing
from assay.engine.events import Reporter
from assay.engine.model import Digest
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes
from assay.remotes.artifacts import native
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.download import Download
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.artifacts.remembered import remember, whole
from assay.remotes.artifacts.shelf import Shelf
from assay.remotes.artifacts.upload import Upload
from assay.remotes.parallel import each


class PackedHoldings:
    """The artifacts on a remote of assay's own layout.

    Args:
        cache: The artifacts on this side.
        shelf: Those on the other.
        report: Where progress goes.
    """

    def __init__(self, cache: Cache, shelf: Shelf, report: Reporter) -> None:
        self._cache = cache
        self._shelf = shelf
        self._report = report
        self._has_sent = False

    @property
    def damaged(self) -> Mapping[str, str]:
        """What was found damaged so far."""
        return self._shelf.damaged

    def whole(self, roots: Collection[Digest]) -> set[Digest]:
        """Those that were found there once, and of which every pack and object is there now."""
        return whole(self._shelf, roots)

    def remember(self, roots: Collection[Digest], contents: Contents) -> None:
        """Writes down where these are."""
        remember(self._shelf, self._cache, contents, roots)

    def send(self, digests: Collection[Digest], contents: Contents) -> Moved:  # noqa: ARG002  # as the port has it
        """Sends what is missing there; an index speaks of a pack once that is there."""
        self._shelf.refresh()
        sent = Upload(self._cache, self._shelf, self._report).send(digests)
        self._has_sent |= sent.artifacts > 0
        return sent

    def tidy(self) -> None:
        """Joins small packs, when one was added."""
        if self._has_sent:
            from assay.remotes.artifacts.join import join_small

            self._has_sent = False
            join_small(self._shelf, self._cache, self._report)

    def bring(self, roots: Iterable[Digest], contents: Contents, *, only_manifests: bool = False) -> Moved:
        """Brings what is missing here."""
        self._shelf.refresh()
        return Download(self._cache, self._shelf, contents, self._report).fetch(roots, only_manifests=only_manifests)

    def known(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those that a pack or an object of the remote holds now."""
        self._shelf.refresh()
        wanted = set(digests)
        found = {digest for digest in wanted if self._shelf.pack_of(digest) is not None}
        sizes = each(lambda one: self._shelf.store.size(native.loose_key(one)), wanted - found, self._shelf.jobs)
        for digest, size in sizes:
            if isinstance(size, AssayError):
                raise size
            if size is not None and self._cache.size(digest) in (None, size):  # else it was cut short
                found.add(digest)
        return found

    def peek(self, manifest: Digest) -> bytes | None:
        """A manifest, read out of its pack."""
        store, pack = self._shelf.store, self._shelf.pack_of(manifest)
        try:
            if pack is None:
                data = store.get(native.loose_key(manifest))
            else:
                data = store.get_range(native.pack_key(pack), *self._shelf.place(manifest))
        except KeyMissing:
            return None
        return data if digest_bytes(manifest.algo, data, is_dir=True) == manifest else None
