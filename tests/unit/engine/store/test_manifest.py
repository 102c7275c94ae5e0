"""engine/store/manifest.py: each hash has its form of a directory."""

from __future__ import annotations

import pytest

from assay.engine.model import HASH_NAMES, Entry
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import keeps_modes, write_manifest


class Named:
    """A writer that keeps what it was given."""

    def __init__(self, algo):
        self.algo = algo
        self.written = []

    def add_bytes(self, data, *, is_dir=False):
        self.written.append(data)
        return digest_bytes(self.algo, data, is_dir=is_dir)


@pytest.mark.parametrize("algo", HASH_NAMES)
def test_the_form_follows_the_hash(algo):
    writer = Named(algo)
    artifact = write_manifest(writer, {"s/a": Entry("", digest_bytes(algo, b"x"), 1)})
    is_listing = algo.startswith("md5")
    assert [data[:1] for data in writer.written] == ([b"["] if is_listing else [b"\x95", b"\x95"])
    assert keeps_modes(artifact.digest) is not is_listing
    assert (artifact.size, artifact.nfiles) == (1, 1)
