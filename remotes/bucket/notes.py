"""Tags and notes in a bucket: files below ``git/notes/`` that nobody ever changes, merged by whoever reads them.

A file says what was said about some commits, and is named by its digest. Since remarks merge in any order and any
number of times to the same thing, a writer adds a file without looking at anybody, and nobody ever waits. Where there
are many files, a writer adds one that says what they all say, and then removes those: whoever does the same at the
same moment does no harm, since nothing is removed that another file does not say too.

What is damaged, or not such a file, is named and left out whole, and never removed. Limits: a file of at most 16 MB;
all remarks of a remote are read into memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from assay.engine.errors import CorruptRemote
from assay.engine.model import HashName, Oid
from assay.engine.notes.remarks import LONGEST_NOTE, NOTHING, Remarks, canonical_json, from_plain, merge, to_plain
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.remotes.artifacts.native import GIT_NOTES
from assay.remotes.copies import Copies
from assay.remotes.named import contents, is_sound

LARGEST = 16_000_000
"""Bytes of a file that a reader takes."""
_ENOUGH = 4_000_000
"""Bytes after which a writer begins another file."""
_MANY = 50
_LOOKS = 3
_KEPT = "notes"

Said = Mapping[Oid, Remarks]
"""All that was said, by commit."""


class BucketNotes:
    """The files below ``git/notes/``.

    Args:
        store: The bucket.
        copies: Where files are kept.
        hash_name: The hash that names them.
        jobs: How many requests at once.

    Attributes:
        damaged: Files that are not what they should be, by key, with the sentence that says so.
    """

    def __init__(self, store: RemoteStore, copies: Copies, hash_name: HashName, jobs: int) -> None:
        self.damaged: dict[str, str] = {}
        self._store = store
        self._copies = copies
        self._hash_name = hash_name
        self._jobs = jobs

    def read(self) -> Said:
        """What all files together say; one List where there are none."""
        return _merged(self._files())

    def write(self, said: Said) -> list[Oid]:
        """Makes the files say this too, besides what they say already.

        Returns:
            The commits of which they say more now.
        """
        files = self._files()
        there = _merged(files)
        both = {commit: merge(there.get(commit, NOTHING), remarks) for commit, remarks in said.items()}
        new = {commit: remarks for commit, remarks in both.items() if remarks != there.get(commit, NOTHING)}
        if not new:
            return []
        joined = self._keyed(there) if len(files) > _MANY else {}
        if 0 < len(joined) < len(files):
            self._join(files, joined, self._keyed(new))
        else:
            for key, data in self._keyed(new).items():
                self._store.put(key, data)
        return list(new)

    def _join(self, old: Mapping[str, Said], joined: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        """Writes ``joined``, which says what the old files say, and ``new``; then removes the old ones."""
        for key, data in joined.items():
            self._store.put(key, data)
        for key, data in new.items():
            # what is created makes everything before it durable, so what is joined is there for good
            if not (self._store.is_atomic() and self._store.create(key, data)):
                self._store.put(key, data)
        self._store.delete(old.keys() - joined.keys() - new.keys())
        self._copies.write_many(_KEPT, {**joined, **new})

    def _keyed(self, said: Said) -> dict[str, bytes]:
        return {f"{GIT_NOTES}{digest_bytes(self._hash_name, data).hex}": data for data in encode(said)}

    def _files(self) -> dict[str, Said]:
        """What each sound file says; anew when one went away meanwhile, since another says it then."""
        found: dict[str, Said] = {}
        for _ in range(_LOOKS):
            sizes = {info.key: info.size for info in self._store.list(GIT_NOTES)}
            small = [key for key, size in sizes.items() if size <= LARGEST]
            for key in sizes.keys() - set(small):
                self.damaged[key] = f"{key} is too large to say what tags and notes there are."
            data = contents(self._store, small, self._copies, _KEPT, self._hash_name, self._jobs)
            for key in data.keys() - found.keys():
                self._take(key, data[key], found)
            if len(data) == len(small):
                break
        return found

    def _take(self, key: str, data: bytes, found: dict[str, Said]) -> None:
        try:
            if not is_sound(key, data, self._hash_name):
                raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
            found[key] = decode(data, key)
        except CorruptRemote as error:
            self.damaged[key] = error.message


def encode(said: Said) -> Iterator[bytes]:
    """Files that say this: canonical JSON on one line, as many as keep each well below what a reader takes."""
    told: dict[str, object] = {}
    size = 0
    for commit in sorted(said):
        plain = to_plain(said[commit])
        length = len(canonical_json(plain))
        if told and size + length > _ENOUGH:
            yield canonical_json(told)
            told, size = {}, 0
        told[commit.hex()] = plain
        size += length
    if told:
        yield canonical_json(told)


def decode(data: bytes, key: str) -> Said:
    """What a file says.

    Args:
        data: Its content.
        key: Where it came from, for the sentence.

    Raises:
        CorruptRemote: It is not what `encode` writes, to the byte.
    """
    try:
        said = {Oid(bytes.fromhex(text)): from_plain(plain) for text, plain in json.loads(data).items()}
        if any(len(commit) != 20 for commit in said) or any(map(_is_too_long, said.values())):
            raise ValueError
        if canonical_json({commit.hex(): to_plain(remarks) for commit, remarks in said.items()}) != data:
            raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptRemote(
            f"{key} does not say what tags and notes there are.", "A newer version of assay may have written it."
        ) from error
    return said


def _is_too_long(remarks: Remarks) -> bool:
    return any(note.text and len(note.text.encode("utf-8", "surrogatepass")) > LONGEST_NOTE for note in remarks.notes)


def _merged(files: Mapping[str, Said]) -> dict[Oid, Remarks]:
    merged: dict[Oid, Remarks] = {}
    for said in files.values():
        for commit, remarks in said.items():
            merged[commit] = merge(merged[commit], remarks) if commit in merged else remarks
    return merged
