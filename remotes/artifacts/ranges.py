"""Parts of packs: when few objects of a large pack are wanted, their bytes alone are asked for.

What lies near to each other is asked for together. Each object that comes is hashed, as law 3 asks; where one is not
what its digest says, the pack is fetched whole, and that says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from assay.engine.errors import AssayError, CorruptRemote, KeyMissing
from assay.engine.model import Digest
from assay.engine.ports import RemoteStore
from assay.engine.store.pack import check_object, key_of
from assay.remotes.artifacts.native import pack_key
from assay.remotes.parallel import each

REQUEST = 500_000
"""Bytes that could travel while a further request is answered."""
_CHEAPER = 4
"""How much cheaper parts must be: what they turn out to name may be wanted from the same pack next."""

Places = Mapping[Digest, tuple[int, int]]
"""Where objects lie in a pack: offset and length."""


class Part(NamedTuple):
    """Bytes of a pack that are asked for together, and the objects that are wanted of them."""

    pack: str
    start: int
    length: int
    places: Places


def parts(pack: str, size: int, places: Places) -> list[Part]:
    """The parts of a pack that hold these objects; none when it is better fetched whole.

    Args:
        pack: Its id.
        size: Its length in bytes.
        places: The objects that are wanted.
    """
    groups: list[dict[Digest, tuple[int, int]]] = []
    end = -REQUEST
    for digest, (offset, length) in sorted(places.items(), key=lambda item: item[1]):
        if offset - end >= REQUEST:
            groups.append({})
        groups[-1][digest] = (offset, length)
        end = offset + length
    found = [_part(pack, group) for group in groups]
    cost = sum(part.length + REQUEST for part in found)
    return found if cost * _CHEAPER <= size + REQUEST else []


def _part(pack: str, places: Places) -> Part:
    start, _ = next(iter(places.values()))
    offset, length = list(places.values())[-1]
    return Part(pack, start, offset + length - start, places)


def fetch(store: RemoteStore, wanted: Iterable[Part], jobs: int) -> Iterator[tuple[Part, dict[Digest, bytes] | None]]:
    """Brings parts: each with its objects, or None when they are not what they should be, or not there.

    Raises:
        RemoteError: The remote refuses altogether.
    """
    for part, data in each(lambda one: store.get_range(pack_key(one.pack), one.start, one.length), wanted, jobs):
        if isinstance(data, CorruptRemote | KeyMissing):
            yield part, None
        elif isinstance(data, AssayError):
            raise data
        else:
            yield part, _objects(part, data)


def _objects(part: Part, data: bytes) -> dict[Digest, bytes] | None:
    found = {}
    for digest, (offset, length) in part.places.items():
        content = data[offset - part.start : offset - part.start + length]
        if len(content) != length or not check_object(key_of(digest), content):
            return None
        found[digest] = content
    return found
