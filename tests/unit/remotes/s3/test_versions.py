"""Which version of a value was written, also where the server does not say so at once."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from assay.engine.errors import RemoteError
from assay.engine.ports import Source
from assay.remotes.registry import Remote, versioned_store
from assay.remotes.s3.versions import VersionedStore


class Silent(VersionedStore):
    """As after a server that does not say which version it has made of what came, before which somebody else writes."""

    others: bytes | None = None

    def _put_source(self, key: str, source: Source) -> Mapping[str, Any]:
        said = dict(super()._put_source(key, source))
        del said["VersionId"]
        if self.others is not None:
            self.put(key, self.others)
        return said


class Content(io.BytesIO):
    """Bytes on their way out."""

    size = 4

    def restart(self) -> None:
        self.seek(0)


@pytest.fixture
def store(versioned_s3: tuple[str, dict[str, str]]) -> Iterator[Silent]:
    made = versioned_store(Remote("store", *versioned_s3))
    silent = Silent(made.url, made._settings)
    yield silent
    silent.close()
    made.close()


def test_the_version_is_asked_for_where_the_server_does_not_say_it(store: Silent) -> None:
    assert store.put_version("a", Content(b"mine")) == store.latest("a")


@pytest.mark.law(3)
@pytest.mark.parametrize("others", [b"others", b"your"])
def test_a_version_that_somebody_else_wrote_is_not_taken_for_ours(store: Silent, others: bytes) -> None:
    store.others = others
    with pytest.raises(RemoteError, match="Somebody else wrote"):
        store.put_version("a", Content(b"mine"))
