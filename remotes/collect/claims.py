"""What is about to be collected on a remote, as files below ``gc/`` say it: the rules that collectors and pushers keep.

A collection first names what will go, in a file of its own, and waits. Whoever pushes takes what is named for absent
and sends it again, having claimed it: a claim is another file. When the time has come, the collector marks the
collection as going, and only then reads refs and claims; so a claim was either seen, or its writer sees the mark, and
waits until all is done. Nothing here needs more of a store than that what was written is seen by whoever looks next.

The mark of a collection that is done stays for a month: a push that was under way all the time learns from it that it
has to look again. A push that has not looked for a week looks again anyway, and needs no mark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from assay.engine.errors import CorruptRemote, KeyMissing
from assay.engine.model import HashName
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.remotes.stores.keys import is_key

FOLDER = "gc/"
LONG = 7 * 86400
"""Seconds after which whoever publishes does not trust any more what it saw."""
_KEPT = 30 * 86400
"""Seconds after which nobody needs the mark of a collection that is done; clocks may differ by the rest."""
_NAME = re.compile(r"([0-9a-f]{32,64})(?:\.(going|done|kept-[0-9a-f]{16}))?")


class Doomed(NamedTuple):
    """What will go.

    Attributes:
        keys: What was named.
        time: When, in seconds since 1970.
        grace: For how many seconds at least nothing of it goes.
        nonce: What makes two collections two.
    """

    keys: frozenset[str]
    time: int
    grace: int
    nonce: str


class State(NamedTuple):
    """What there is below ``gc/``.

    Attributes:
        open: The names of collections that are not done.
        going: Those of collections that delete now, or whose collector was killed while it did.
        done: Those of collections that are done.
        claims: Names of collections and their claims' keys.
    """

    open: frozenset[str]
    going: frozenset[str]
    done: frozenset[str]
    claims: tuple[tuple[str, str], ...]

    @property
    def names(self) -> frozenset[str]:
        """Every collection that can be told of."""
        return self.open | self.done


def look(store: RemoteStore) -> State:
    """What there is below ``gc/`` now."""
    found: dict[str, set[str]] = {"": set(), "going": set(), "done": set()}
    claims = []
    for info in store.list(FOLDER):
        match = _NAME.fullmatch(info.key.removeprefix(FOLDER))
        if match and (match[2] or "") in found:
            found[match[2] or ""].add(match[1])
        elif match:
            claims.append((match[1], info.key))
    going = found["going"] & found[""]
    return State(frozenset(found[""]), frozenset(going), frozenset(found["done"]), tuple(claims))


def read(store: RemoteStore, name: str, hash_name: HashName) -> Doomed | None:
    """What a collection names; None when it is done meanwhile. Raises CorruptRemote."""
    try:
        data = store.get(FOLDER + name)
    except KeyMissing:
        return None
    if digest_bytes(hash_name, data).hex != name:
        raise CorruptRemote(f"{FOLDER}{name} is damaged: its content is not what its name says.")
    return decode(data, FOLDER + name)


def begin(store: RemoteStore, collection: Doomed, hash_name: HashName) -> str:
    """Names what will go; returns the name of the collection."""
    data = encode(collection)
    name = digest_bytes(hash_name, data).hex
    store.put(FOLDER + name, data)
    store.settle()
    return name


def mark(store: RemoteStore, name: str) -> None:
    """Says that deleting begins: whoever claims from now on waits."""
    store.put(f"{FOLDER}{name}.going", b"")
    store.settle()


def end(store: RemoteStore, name: str, now: int) -> None:
    """Says that a collection is done, and when, in seconds since 1970; and removes what belongs to it."""
    store.put(f"{FOLDER}{name}.done", _line({"assay": 1, "time": now}))
    store.settle()
    store.delete([FOLDER + name])
    state = look(store)
    left = [key for of, key in state.claims if of == name]
    store.delete([*left, f"{FOLDER}{name}.going"])


def forget(store: RemoteStore, now: int) -> None:
    """Removes the marks of collections that were done so long ago that nobody needs them."""
    state = look(store)
    old = [key for name in sorted(state.done - state.open) if _is_old(store, key := f"{FOLDER}{name}.done", now)]
    if old:
        store.delete(old)


def _is_old(store: RemoteStore, key: str, now: int) -> bool:
    try:
        done: Any = json.loads(store.get(key))["time"]
    except (ValueError, KeyError, TypeError, KeyMissing):
        return False
    return type(done) is int and done + _KEPT < now


def claim(store: RemoteStore, name: str, keys: Iterable[str], nonce: str) -> None:
    """Says that something that was named is needed again."""
    store.put(f"{FOLDER}{name}.kept-{nonce}", _line({"assay": 1, "keys": sorted(keys)}))


def claimed(store: RemoteStore, state: State, name: str) -> set[str] | None:
    """What was claimed of a collection; None when somebody's claim cannot be read, so that it may be anything."""
    found: set[str] = set()
    for of, key in state.claims:
        if of == name:
            try:
                fields: Any = json.loads(store.get(key))
                found.update(fields["keys"])
            except (ValueError, KeyError, TypeError, KeyMissing):
                return None
    return found


def encode(collection: Doomed) -> bytes:
    """The bytes of a collection: canonical JSON on one line."""
    fields = {
        "assay": 1,
        "grace": collection.grace,
        "keys": sorted(collection.keys),
        "nonce": collection.nonce,
        "time": collection.time,
    }
    return _line(fields)


def _line(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def decode(data: bytes, key: str) -> Doomed:
    """A collection from its bytes. Raises CorruptRemote."""
    try:
        fields: Any = json.loads(data)
        keys, time, grace = frozenset(fields["keys"]), fields["time"], fields["grace"]
        if fields["assay"] != 1 or type(time) is not int or type(grace) is not int:
            raise ValueError
        if not all(type(one) is str and is_key(one) and may_go(one) for one in keys):
            raise ValueError
        return Doomed(keys, time, grace, str(fields["nonce"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptRemote(f"{key} does not say what will be collected.", "Ask whoever runs the remote.") from error


_COLLECTED = ("objects/", "packs/", "git/packs/pack-", "tmp/probe-")


def may_go(key: str) -> bool:
    """Whether a key is of a kind that is ever collected: artifacts, packs, scratch keys."""
    return key.startswith(_COLLECTED)
