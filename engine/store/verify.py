"""Checking a whole cache: every byte of every object and every pack.

Nothing is believed and, unless repair is asked for, nothing is changed. Repair moves what is damaged into quarantine;
what a damaged pack holds that is sound stays. What is lost then is named and can be pulled again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from assay.engine.errors import CorruptArtifact
from assay.engine.events import Done, Progress, Reporter, silent
from assay.engine.model import Digest
from assay.engine.store import loose
from assay.engine.store.digest import digest_stream
from assay.engine.store.pack import check_object, check_pack, digest_of, objects, read_entries
from assay.engine.store.reader import CacheReader

_TASK = "Checking the cache"


class Problem(NamedTuple):
    """Something in the cache that is not what its name says; ``lost`` are the objects that cannot be had from it."""

    path: str
    text: str
    lost: tuple[Digest, ...] = ()


def fsck(cache: CacheReader, *, repair: bool = False, report: Reporter = silent) -> list[Problem]:
    """Reads the whole cache and says what is wrong with it.

    Args:
        cache: The cache.
        repair: Move what is damaged into quarantine.
        report: Hears of progress in bytes.

    Raises:
        OSError: A folder cannot be listed.
    """
    problems = []
    done = 0
    for path, digest, size in _loose(cache):
        problem = _check_file(path, digest)
        if problem is not None:
            problems.append(problem)
            if repair:
                cache.quarantine(path)
        done += size
        report(Progress(_TASK, done, None, "B"))
    for pack in cache.packs():
        try:
            check_pack(pack.path, pack.id)
        except FileNotFoundError:  # merged, or collected, meanwhile
            continue
        except OSError as error:
            problems.append(Problem(pack.path, f"The pack {pack.path} cannot be read: {error.strerror}."))
        except CorruptArtifact as error:
            problems.append(Problem(pack.path, error.message, _lost(pack.path)))
            if repair:
                cache.set_aside_pack(pack.id)
        done += pack.size
        report(Progress(_TASK, done, None, "B"))
    report(Done(_TASK))
    return problems


def _loose(cache: CacheReader) -> Iterator[tuple[str, Digest | None, int]]:
    """Every file under the folders of the hashes; the digest is None for one that is no object."""
    for path, digest, stat in loose.walk(cache.folder):
        yield path, digest, stat.st_size


def _check_file(path: str, digest: Digest | None) -> Problem | None:
    if digest is None:
        return Problem(path, f"{path} is not the name of an object.")
    try:
        with open(path, "rb") as file:
            found = digest_stream(digest.algo, file)
    except FileNotFoundError:  # collected meanwhile
        return None
    except OSError as error:
        return Problem(path, f"The object {path} cannot be read: {error.strerror}.", (digest,))
    if found.hex == digest.hex:
        return None
    return Problem(path, f"The object {path} is damaged: its content is {found.hex}.", (digest,))


def _lost(path: str) -> tuple[Digest, ...]:
    """What a damaged pack says it holds and does not; nothing when it cannot even say that."""
    try:
        entries = read_entries(path)
    except CorruptArtifact:
        return ()
    return tuple(digest_of(key) for key, data in objects(path, entries) if not check_object(key, data))
