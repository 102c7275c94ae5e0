"""Refs as statements that nobody ever changes: how experiments are named where no name can be locked.

A statement sets refs and retires what earlier statements set. It is a file of its own, named by its digest, so
writing one cannot disturb another writer and a reader can tell when one is damaged. Whoever reads all of them sees
the same refs, whatever the order of writing:

* a value counts until some statement retires it, naming the statement that set it;
* a deletion is a retirement, so it takes away only what its writer had seen;
* when two values of one name are left, because two writers did not see each other, the older keeps the name and each
  other is shown beside it with the first digits of its commit added: nothing that was shared is ever hidden.

Older means the lower time, then the lower name of the statement.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from assay.engine.errors import CorruptRemote
from assay.engine.git.refnames import is_valid_name
from assay.engine.model import Oid

VERSION = 1


class Statement(NamedTuple):
    """What one file says.

    Attributes:
        time: When it was written, in seconds since 1970, never less than what its writer had seen.
        nonce: What makes two statements with the same content two.
        sets: Ref names and their values.
        retires: Ref names and the statements whose values for that name no longer count.
    """

    time: int
    nonce: str
    sets: Mapping[str, Oid]
    retires: Mapping[str, Sequence[str]]


class Held(NamedTuple):
    """A ref as it is shown: its value, and the name and the statements that hold it."""

    oid: Oid
    name: str
    statements: tuple[str, ...]


def encode(statement: Statement) -> bytes:
    """The bytes of a statement: canonical JSON on one line."""
    fields = {"assay": VERSION, **to_plain(statement)}
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def decode(data: bytes, key: str) -> Statement:
    """A statement from its bytes.

    Args:
        data: The content of the file.
        key: Where it came from, for the sentence.

    Raises:
        CorruptRemote: It is none, or it is of a version this program does not know, or names what cannot be a ref.
    """
    try:
        fields: Any = json.loads(data)
        if fields["assay"] != VERSION:
            raise CorruptRemote(f"{key} was written by a newer assay.", "Upgrade assay.")
        return from_plain(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptRemote(f"{key} does not say what refs there are.", "Ask whoever runs the remote.") from error


def to_plain(statement: Statement) -> dict[str, object]:
    """A statement as JSON has it."""
    return {
        "nonce": statement.nonce,
        "retire": {name: sorted(ids) for name, ids in statement.retires.items() if ids},
        "set": {name: oid.hex() for name, oid in statement.sets.items()},
        "time": statement.time,
    }


def from_plain(fields: Any) -> Statement:
    """A statement from what JSON has. Raises ValueError, KeyError, TypeError or AttributeError when it is none."""
    sets = {_name(name): Oid(bytes.fromhex(text)) for name, text in fields["set"].items()}
    retires = {_name(name): tuple(map(_text, ids)) for name, ids in fields["retire"].items()}
    time, nonce = fields["time"], _text(fields["nonce"])
    if type(time) is not int or any(len(oid) != 20 for oid in sets.values()):
        raise ValueError
    return Statement(time, nonce, sets, retires)


def _name(name: str) -> str:
    if not name.startswith("refs/") or not is_valid_name(name):
        raise ValueError
    return name


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def shown(statements: Mapping[str, Statement]) -> dict[str, Held]:
    """The refs that all statements together say, by the name they are shown under.

    Args:
        statements: By their names.
    """
    retired = {
        (name, earlier)
        for statement in statements.values()
        for name, ids in statement.retires.items()
        for earlier in ids
    }
    values: dict[str, dict[Oid, list[str]]] = {}
    for identity in sorted(statements, key=lambda one: (statements[one].time, one)):
        for name, oid in statements[identity].sets.items():
            if (name, identity) not in retired:
                values.setdefault(name, {}).setdefault(oid, []).append(identity)
    refs = {}
    for name, by_oid in values.items():
        for oid, ids in by_oid.items():
            refs[_shown_as(name, oid, by_oid, values)] = Held(oid, name, tuple(ids))
    return refs


def _shown_as(name: str, oid: Oid, rivals: Iterable[Oid], taken: Collection[str]) -> str:
    """The name itself for the oldest value; for a rival one with as many digits added as tell it from all others."""
    if oid == next(iter(rivals)):
        return name
    others = [rival.hex() for rival in rivals if rival != oid]
    for digits in range(7, 41):
        beside = f"{name}-{oid.hex()[:digits]}"
        if beside not in taken and not any(other.startswith(oid.hex()[:digits]) for other in others):
            return beside
    return f"{name}-{oid.hex()}"


def successor(wishes: Mapping[str, Oid | None], statements: Mapping[str, Statement], now: int, nonce: str) -> Statement:
    """The statement that gives refs new values (None: deletes them), over everything its writer has seen.

    A name that rivals share is settled by the way: each rival that is not touched keeps, as a ref of its own, the
    name it was shown under.

    Args:
        wishes: By the name they are shown under.
        statements: Everything the writer has seen.
        now: Seconds since 1970 by the writer's clock.
        nonce: What no other statement has.
    """
    seen = shown(statements)
    touched = {seen[name].name for name in wishes if name in seen}
    sets: dict[str, Oid] = {}
    retires: dict[str, list[str]] = {}
    for shown_as, held in seen.items():
        if held.name in touched:
            retires.setdefault(held.name, []).extend(held.statements)
            sets[shown_as] = held.oid
    for name, oid in wishes.items():
        sets.pop(name, None)
        if oid is not None:
            sets[name] = oid
    latest = max((statement.time for statement in statements.values()), default=0)
    return Statement(max(now, latest + 1), nonce, sets, {name: tuple(sorted(ids)) for name, ids in retires.items()})
