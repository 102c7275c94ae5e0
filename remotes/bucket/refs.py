"""Git refs in a bucket.

Branches and tags are small files that change by compare-and-swap, a branch only forwards. Experiments, of which many
are published at the same time from many places, are statements: files that are written once and merged by whoever
reads them (`statements`), and joined into one when there are many (`compaction`). Where the store cannot compare and
swap, branches and tags are statements too; a ref that began as one stays one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from assay.engine.errors import AssayError, CorruptRemote, KeyMissing, RemoteError
from assay.engine.git.refnames import is_valid_name
from assay.engine.model import HashName, Oid
from assay.engine.ports import Clock, Ids, RefResult, RefUpdate, RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.remotes.artifacts.native import GIT_HEAD, GIT_REFS
from assay.remotes.bucket import compaction
from assay.remotes.bucket.compaction import File, compacted, joined, needless, read, refs_of, small
from assay.remotes.bucket.statements import Held, Statement, encode, shown, successor
from assay.remotes.copies import Copies
from assay.remotes.named import contents, is_sound
from assay.remotes.parallel import each

_PLAIN = ("refs/heads/", "refs/tags/")
_KEPT = "statements"
_MANY = 50
"""Files in a folder after which a push makes one of them."""
_LOOKS = 3
_BASELINE = re.compile(r"[0-9a-f]{40}")


class Known(NamedTuple):
    """The refs of a bucket at one moment.

    Attributes:
        values: Every ref by its full name.
        statements: The statements behind them, by folder, then by name.
        files: The files these are from, in the same order.
    """

    values: Mapping[str, Oid]
    statements: Mapping[str, Mapping[str, Statement]]
    files: Mapping[str, Mapping[str, File]]


class BucketRefs:
    """The refs below ``git/``.

    Args:
        store: The bucket.
        copies: Where statements are kept.
        hash_name: The hash that names statements.
        clock: When.
        ids: Nonces.
        jobs: How many requests at once.

    Attributes:
        damaged: Files that do not say what they should, by key, with the sentence that says so.
    """

    def __init__(
        self, store: RemoteStore, copies: Copies, hash_name: HashName, clock: Clock, ids: Ids, jobs: int
    ) -> None:
        self.damaged: dict[str, str] = {}
        self._store = store
        self._copies = copies
        self._hash_name = hash_name
        self._clock = clock
        self._ids = ids
        self._jobs = jobs

    def head(self) -> str | None:
        """The branch that ``git/HEAD`` names."""
        try:
            text = self._store.get(GIT_HEAD).decode("utf-8", "replace")
        except KeyMissing:
            return None
        name = text.removeprefix("ref: ").rstrip("\n")
        if not text.startswith("ref: refs/heads/") or not is_valid_name(name):
            self.damaged[GIT_HEAD] = f"{GIT_HEAD} does not name a branch."
            return None
        return name

    def set_head(self, branch: str) -> None:
        """Makes ``git/HEAD`` name a branch, where it names none."""
        data = f"ref: {branch}\n".encode()
        if self.head() is None and GIT_HEAD not in self.damaged:
            if self._store.is_atomic():
                self._store.create(GIT_HEAD, data)
            else:
                self._store.put(GIT_HEAD, data)

    def read(self, prefixes: Sequence[str]) -> Known:
        """The refs whose names start with one of the prefixes."""
        values: dict[str, Oid] = {}
        for prefix in _PLAIN:
            if any(_overlap(prefix, wanted) for wanted in prefixes):
                values.update(self._read_plain(prefix))
        files = self._read_files(prefixes)
        statements = {folder: joined(found) for folder, found in files.items()}
        for folder in statements.values():
            values.update((name, held.oid) for name, held in shown(folder).items())
        wanted = {name: oid for name, oid in values.items() if name.startswith(tuple(prefixes))}
        return Known(wanted, statements, files)

    def _read_plain(self, prefix: str) -> dict[str, Oid]:
        found = {}
        keys = [info.key for info in self._store.list(f"git/{prefix.removeprefix('refs/')}")]
        for key, data in each(self._store.get, keys, self._jobs):
            if isinstance(data, KeyMissing):
                continue
            if isinstance(data, AssayError):
                raise data
            name = f"refs/{key.removeprefix('git/')}"
            oid = _plain_value(data)
            if oid is None or not is_valid_name(name):
                self.damaged[key] = f"{key} does not hold the id of a commit."
            else:
                found[name] = oid
        return found

    def _read_files(self, prefixes: Sequence[str]) -> dict[str, dict[str, File]]:
        """The sound files; anew when one went away meanwhile, since another one says it then."""
        folders = {_folder_of(prefix) for prefix in prefixes}
        below = [GIT_REFS] if None in folders or len(folders) > 4 else [f"{GIT_REFS}{name}.d/" for name in folders]
        data: dict[str, bytes] = {}
        for _ in range(_LOOKS):
            keys = [info.key for prefix in below for info in self._store.list(prefix)]
            data = contents(self._store, keys, self._copies, _KEPT, self._hash_name, self._jobs)
            if len(data) == len(keys):
                break
        found: dict[str, dict[str, File]] = {}
        for key, one in data.items():
            folder, _, name = key.removeprefix(GIT_REFS).rpartition("/")
            folder = folder.removesuffix(".d")
            try:
                if not is_sound(key, one, self._hash_name):
                    raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
                file = read(one, key)
                if any(_folder_of(ref) != folder for ref in refs_of(file)):
                    raise CorruptRemote(f"{key} speaks of refs that do not belong there.")
            except CorruptRemote as error:
                self.damaged[key] = error.message
            else:
                found.setdefault(folder, {})[name] = file
        return found

    def move(self, updates: Sequence[RefUpdate], known: Known) -> list[RefResult]:
        """Moves refs, each from the value its writer expects; one result per update.

        Args:
            updates: The moves of shareable refs; whoever calls has seen to it that branches move forwards.
            known: What `read` returned just before.
        """
        problems: dict[str, str] = {}
        stated: dict[str, list[RefUpdate]] = {}
        for update in updates:
            now = known.values.get(update.refname)
            folder = _folder_of(update.refname) or ""
            if now == update.new:
                continue
            if now != update.old:
                problems[update.refname] = _moved(update.refname, now)
            elif self._is_stated(update.refname, folder, known):
                stated.setdefault(folder, []).append(update)
            elif update.new is None:
                problems[update.refname] = f"{update.refname} cannot be deleted from a bucket."
            elif not self._swap(update.refname, update.old, update.new):
                problems[update.refname] = _moved(update.refname, None)
        for folder, moves in stated.items():
            problems.update(self._state(folder, moves, known))
        return [RefResult(update.refname, problems.get(update.refname, "")) for update in updates]

    def _is_stated(self, refname: str, folder: str, known: Known) -> bool:
        if not refname.startswith(_PLAIN):
            return True
        return refname in shown(known.statements.get(folder, {})) or not self._store.is_atomic()

    def _swap(self, refname: str, old: Oid | None, new: Oid) -> bool:
        key = f"git/{refname.removeprefix('refs/')}"
        return self._store.swap(key, None if old is None else _plain(old), _plain(new))

    def _state(self, folder: str, moves: Iterable[RefUpdate], known: Known) -> dict[str, str]:
        """Writes one statement, then looks whether somebody else took one of its names at the same moment."""
        wishes = {move.refname: move.new for move in moves}
        seen = known.statements.get(folder, {})
        statement = successor(wishes, seen, self._clock.now()[0], self._ids.nonce())
        mine = self._write(folder, encode(statement))
        files = self._read_files([_prefix_of(folder)]).get(folder, {})
        after = shown(joined({**files, mine: statement}))  # a list may be older than what was written just now
        self._tidy(folder, files, known.files.get(folder, {}))
        return {name: _beside(name, oid, after) for name, oid in wishes.items() if oid and _lost(name, oid, after)}

    def _write(self, folder: str, data: bytes) -> str:
        """Adds a file to a folder and returns its name."""
        name = digest_bytes(self._hash_name, data).hex
        key = f"{GIT_REFS}{folder}.d/{name}"
        if self._store.is_atomic():
            self._store.create(key, data)
        else:
            self._store.put(key, data)
        return name

    def _tidy(self, folder: str, files: Mapping[str, File], before: Mapping[str, File]) -> None:
        """Makes one file of many small ones, and removes those that a file from before this call has taken in.

        What fails here costs only time, and is tried again by the next push.
        """
        old = needless(before)
        left = small({name: file for name, file in files.items() if name not in old})
        with suppress(RemoteError):
            if len(left) > _MANY:
                self._write(folder, compaction.encode(compacted(left)))
            if old:
                self._store.settle()
                self._store.delete([f"{GIT_REFS}{folder}.d/{name}" for name in sorted(old)])


def _plain(oid: Oid) -> bytes:
    return oid.hex().encode() + b"\n"


def _plain_value(data: bytes) -> Oid | None:
    try:
        oid = bytes.fromhex(data.decode("ascii"))
    except ValueError:
        return None
    return Oid(oid) if len(oid) == 20 and data == _plain(Oid(oid)) else None


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _folder_of(refname: str) -> str | None:
    """The folder of statements that a ref, or all refs with a prefix, belong to; None when there is no single one."""
    parts = refname.split("/")
    if parts[:2] in (["refs", "heads"], ["refs", "tags"]) and len(parts) > 2:
        return parts[1]
    if parts[:2] == ["refs", "exps"] and len(parts) == 5 and len(parts[2]) == 2:
        baseline = parts[2] + parts[3]
        return baseline if _BASELINE.fullmatch(baseline) else None
    return None


def _prefix_of(folder: str) -> str:
    return f"refs/{folder}/" if folder in ("heads", "tags") else f"refs/exps/{folder[:2]}/{folder[2:]}/"


def _moved(refname: str, now: Oid | None) -> str:
    where = f"it is at {now.hex()[:7]} now" if now else "it is not there any more, or somebody moved it just now"
    return f"{refname} on the remote is not what it was: {where}; pull first."


def _lost(name: str, oid: Oid, after: Mapping[str, Held]) -> bool:
    held = after.get(name)
    return held is None or held.oid != oid


def _beside(name: str, oid: Oid, after: Mapping[str, Held]) -> str:
    shown_as = next((other for other, held in after.items() if held.oid == oid), "")
    leaf = shown_as.rpartition("/")[2]
    return f"Somebody published another experiment as {name.rpartition('/')[2]} just now; yours is there as {leaf}."
