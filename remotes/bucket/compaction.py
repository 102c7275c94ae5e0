"""Many statements in one file, so that whoever comes later reads few.

A compaction covers statements by their names and repeats what of them still counts. It is named by its digest and
written once, as they are: nobody waits for anybody, on no kind of store, and where two writers compact at the same
moment, both files are right. What a file covers and does not repeat counts nowhere any more, so files merge in any
order, whichever of the covered ones are still there (`joined`); those are removed by whoever comes later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from assay.engine.errors import CorruptRemote
from assay.engine.model import Oid
from assay.remotes.bucket.statements import VERSION, Statement, decode, from_plain, to_plain

ENOUGH = 500
"""Refs: a file that sets so many is left as it is by later compactions."""


class Compaction(NamedTuple):
    """What one such file says.

    Attributes:
        covers: The names of all files whose statements it has taken in.
        said: What of the statements still counts, by their names.
        time: That of the latest.
    """

    covers: frozenset[str]
    said: Mapping[str, Statement]
    time: int


File = Statement | Compaction
"""A file of a folder of statements."""


def encode(compaction: Compaction) -> bytes:
    """The bytes of a compaction: canonical JSON on one line."""
    fields = {
        "assay": VERSION,
        "covers": sorted(compaction.covers),
        "said": {name: to_plain(statement) for name, statement in compaction.said.items()},
        "time": compaction.time,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def read(data: bytes, key: str) -> File:
    """A statement or a compaction from its bytes.

    Args:
        data: The content of the file.
        key: Where it came from, for the sentence.

    Raises:
        CorruptRemote: It is neither, or of a version this program does not know, or names what cannot be a ref.
    """
    if b'"covers":' not in data[:40]:
        return decode(data, key)
    try:
        fields: Any = json.loads(data)
        if fields["assay"] != VERSION:
            raise CorruptRemote(f"{key} was written by a newer assay.", "Upgrade assay.")
        said = {name: from_plain(plain) for name, plain in fields["said"].items()}
        covers, time = fields["covers"], fields["time"]
        if type(covers) is not list or not all(type(name) is str for name in covers) or type(time) is not int:
            raise ValueError
        if not said.keys() <= set(covers):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptRemote(f"{key} does not say what refs there are.", "Ask whoever runs the remote.") from error
    return Compaction(frozenset(covers), said, time)


def refs_of(file: File) -> set[str]:
    """Every ref that a file speaks of."""
    said = file.said.values() if isinstance(file, Compaction) else (file,)
    return {ref for statement in said for ref in (*statement.sets, *statement.retires)}


def joined(files: Mapping[str, File]) -> dict[str, Statement]:
    """The statements that files stand for together: of each, what every file that has taken it in still repeats.

    Args:
        files: By their names.
    """
    together: dict[str, Statement] = {}
    for name, file in files.items():
        if isinstance(file, Statement):
            _meet(together, name, file)
            continue
        together[name] = Statement(file.time, "", {}, {})
        for covered in file.covers:
            _meet(together, covered, file.said.get(covered, _NOTHING))
    return together


_NOTHING = Statement(0, "", {}, {})


def _meet(together: dict[str, Statement], name: str, said: Statement) -> None:
    known = together.get(name)
    if known is None:
        together[name] = said
        return
    sets: dict[str, Oid] = {ref: oid for ref, oid in known.sets.items() if said.sets.get(ref) == oid}
    retires = {ref: tuple({*known.retires.get(ref, ()), *said.retires.get(ref, ())}) for ref in _both(known, said)}
    together[name] = Statement(max(known.time, said.time), known.nonce or said.nonce, sets, retires)


def _both(one: Statement, other: Statement) -> Iterable[str]:
    return one.retires.keys() | other.retires.keys()


def compacted(files: Mapping[str, File]) -> Compaction:
    """One file that says what these say.

    A value that one of them retires is left out. A retirement goes with it, unless it is about a statement that is
    not among them.
    """
    together = joined(files)
    retired = {
        (ref, earlier) for statement in together.values() for ref, ids in statement.retires.items() for earlier in ids
    }
    said = {}
    for name, statement in together.items():
        sets = {ref: oid for ref, oid in statement.sets.items() if (ref, name) not in retired}
        retires = {ref: left for ref, ids in statement.retires.items() if (left := _left(ids, together))}
        if sets or retires:
            said[name] = Statement(statement.time, statement.nonce, sets, retires)
    return Compaction(frozenset(together), said, max(statement.time for statement in together.values()))


def _left(ids: Iterable[str], together: Mapping[str, Statement]) -> tuple[str, ...]:
    return tuple(sorted(one for one in ids if one not in together))


def small(files: Mapping[str, File]) -> dict[str, File]:
    """Those that a later compaction takes in."""
    return {name: file for name, file in files.items() if isinstance(file, Statement) or _count(file) < ENOUGH}


def _count(file: Compaction) -> int:
    return sum(len(statement.sets) for statement in file.said.values())


def needless(files: Mapping[str, File]) -> set[str]:
    """The names of files that others have taken in."""
    return {
        name
        for name in files
        if any(isinstance(file, Compaction) and name in file.covers for other, file in files.items() if other != name)
    }
