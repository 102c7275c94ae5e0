"""Where history on a bucket ends: commits that were pushed without their parents, and which parents these are.

Each push that cuts history adds a file, written before the index of the pack that has the commits. It never has to
be taken back: a commit is cut only as long as one of its parents is in no pack. A push that sends history in several
packs says so of the commits in between, too, so that one that was killed leaves nothing that seems to be whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from assay.engine.errors import CorruptRemote
from assay.engine.model import HashName, Oid
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.remotes.artifacts.native import GIT_SHALLOW
from assay.remotes.copies import Copies
from assay.remotes.named import contents, is_sound

_KEPT = "shallow"

Cut = Mapping[Oid, tuple[Oid, ...]]
"""Commits and their parents."""


class BucketShallow:
    """The files below ``git/shallow/``.

    Args:
        store: The bucket.
        copies: Where files are kept.
        hash_name: The hash that names them.
        jobs: How many requests at once.

    Attributes:
        damaged: Files that are not what they should be, by key, with the sentence that says so.
        meanwhile: Commits, among those that `read` gave, whose parents were about to follow.
    """

    def __init__(self, store: RemoteStore, copies: Copies, hash_name: HashName, jobs: int) -> None:
        self.damaged: dict[str, str] = {}
        self.meanwhile: frozenset[Oid] = frozenset()
        self._store = store
        self._copies = copies
        self._hash_name = hash_name
        self._jobs = jobs

    def read(self) -> Cut:
        """Every commit that was ever pushed without its parents."""
        keys = [info.key for info in self._store.list(GIT_SHALLOW)]
        wished: dict[Oid, tuple[Oid, ...]] = {}
        meanwhile: dict[Oid, tuple[Oid, ...]] = {}
        for key, data in contents(self._store, keys, self._copies, _KEPT, self._hash_name, self._jobs).items():
            try:
                if not is_sound(key, data, self._hash_name):
                    raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
                cut, is_for_now = decode(data, key)
                (meanwhile if is_for_now else wished).update(cut)
            except CorruptRemote as error:
                self.damaged[key] = error.message
        self.meanwhile = frozenset(meanwhile.keys() - wished.keys())
        return {**meanwhile, **wished}

    def write(self, cut: Cut, *, meanwhile: bool) -> None:
        """Says that these commits come without their parents, or before them."""
        data = encode(cut, meanwhile=meanwhile)
        self._store.put(f"{GIT_SHALLOW}{digest_bytes(self._hash_name, data).hex}", data)


def encode(cut: Cut, *, meanwhile: bool) -> bytes:
    """The bytes of a file: canonical JSON on one line."""
    plain = {oid.hex(): [parent.hex() for parent in parents] for oid, parents in cut.items()}
    fields = {"assay": 1, "meanwhile": meanwhile, "shallow": plain}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def decode(data: bytes, key: str) -> tuple[Cut, bool]:
    """What a file says: commits with their parents, and whether these were to follow. Raises CorruptRemote."""
    try:
        fields: Any = json.loads(data)
        if fields["assay"] != 1:
            raise CorruptRemote(f"{key} was written by a newer assay.", "Upgrade assay.")
        cut = {_oid(one): tuple(map(_oid, parents)) for one, parents in fields["shallow"].items()}
        return cut, fields["meanwhile"] is True
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptRemote(f"{key} does not say where history ends.", "Ask whoever runs the remote.") from error


def _oid(text: str) -> Oid:
    oid = Oid(bytes.fromhex(text))
    if len(oid) != 20:
        raise ValueError
    return oid
