"""Changing refs: prepare (locks, expected old values, everything written aside), then commit (renames).

After `prepare` every lock is held, every current value was read under its lock and compared, names that would clash
are refused, and every new value lies complete beside the journal record; `commit` has only to rename. A few new refs
become loose files; twenty or more go into packed-refs in one rewrite. A deletion takes the packed value away first,
then the loose one, while packed-refs stays locked, so that no older value comes back and nobody packs it meanwhile.

A symbolic ref is followed to the ref that it leads to, except by `point` and `delete`, which are about itself.

Limits: several loose refs are not one rename. When one fails, those before it are put back; a power cut between two
leaves each old or new. Git itself gives no more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

from assay.engine import disk
from assay.engine.errors import GitError, RefConflict
from assay.engine.git import reflocks, reflog, refnames
from assay.engine.git.packedrefs import Packed, open_packed
from assay.engine.git.reffolders import clash, emptied, packed_clash, tidy
from assay.engine.git.reflocks import RefLocks
from assay.engine.git.refpeeling import content, is_commit_ref, peeler
from assay.engine.model import Oid, Signature

if TYPE_CHECKING:
    from assay.engine.git.refs import RefStore

PACK_FROM = 20
"""So many new refs in one transaction go into packed-refs together."""

_FEW = 8  # from so many edits on, packed-refs is read whole


class Anything(NamedTuple):
    """The type of `ANY`."""


ANY = Anything()
"""As an expected old value: whatever it is."""

Expected = Oid | Anything | None


class _Edit:
    """One change. ``way`` says how it is made, once `prepare` knows."""

    def __init__(self, name: str, new: Oid | str | None, expected: Expected) -> None:
        self.name = name
        self.new = new
        self.expected = expected
        self.old: Oid | None = None
        self.loose: Oid | str | None = None
        self.is_broken = False
        self.clash = ""
        self.way: Literal["nothing", "loose", "packed", "delete"] = "nothing"
        self.temp = ""

    @property
    def exists(self) -> bool:
        """Whether there was a ref, of whatever value."""
        return self.old is not None or self.is_broken or self.loose is not None


class RefTransaction:
    """Changes of refs that are made together when the ``with`` block ends well, and not at all when it does not.

    Attributes:
        before: After `prepare`, the old value of each ref by the name that was given (None: there was none).
    """

    def __init__(self, store: RefStore, message: str = "", who: Signature | None = None) -> None:
        self.before: dict[str, Oid | None] = {}
        self._store = store
        self._message = message
        self._who = who
        self._asked: dict[str, _Edit] = {}
        self._edits: list[_Edit] = []
        self._locks = RefLocks(store.common_dir, store.command)
        self._packed_path = ""
        self._packed_temp = ""
        self._state: Literal["open", "prepared", "ended"] = "open"

    def create(self, name: str, new: Oid) -> None:
        """Makes a ref that must not exist."""
        self._add(name, new, None)

    def update(self, name: str, new: Oid, old: Oid | None) -> None:
        """Sets a ref that must have the value ``old`` now (None: must not exist)."""
        self._add(name, new, old)

    def put(self, name: str, new: Oid) -> None:
        """Sets a ref, whatever it was."""
        self._add(name, new, ANY)

    def delete(self, name: str, old: Expected = ANY) -> None:
        """Takes a ref away; one that is not there is fine unless ``old`` is given. HEAD cannot go."""
        if name == "HEAD":
            raise GitError("HEAD cannot be deleted: without it there is no repository.")
        self._add(name, None, old)

    def point(self, name: str, target: str | Oid) -> None:
        """Makes ``name`` itself a symbolic ref to ``target``, or with an id an ordinary ref (a detached HEAD)."""
        if isinstance(target, str):
            refnames.check(target)
        self._add(name, target, ANY, follow=False)

    def __enter__(self) -> RefTransaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.abort()
            return
        if self._state == "open":
            self.prepare()
        if self._state == "prepared":
            self.commit()

    def prepare(self) -> None:
        """Takes the locks, checks every expectation and writes the new values aside.

        Raises:
            RefConflict: A ref is not what it was expected to be, or its name clashes with another's.
            Locked: Somebody else holds a lock and does not finish.
            GitError: The repository cannot be written.
        """
        if self._state != "open":
            raise GitError("This change of refs was already made or given up.")
        self._state = "prepared"
        try:
            self._edits = sorted(self._asked.values(), key=lambda edit: edit.name)
            if self._edits:
                self._lock()
                self._examine()
                self._choose_ways()
                self._write_aside()
        except OSError as error:
            self.abort()
            raise failed(error) from error
        except BaseException:
            self.abort()
            raise
        self.before = {name: edit.old for name, edit in self._asked.items()}

    def commit(self) -> None:
        """Makes the prepared changes visible. Raises GitError, with everything as it was."""
        undo: list[Callable[[], None]] = []
        try:
            self._write_logs(undo)
            for edit in self._edits:
                if edit.way == "loose":
                    undo.append(self._restorer(edit))
                    self._publish(edit)
            if self._packed_temp:
                disk.rename(self._packed_temp, self._packed_path)
                undo.clear()
            for edit in self._edits:
                if edit.way == "delete":
                    disk.unlink(self._store.path(edit.name), missing_ok=True)
        except BaseException as error:
            for step in reversed(undo):
                with suppress(OSError):
                    step()
            self.abort()
            if isinstance(error, OSError):
                raise failed(error) from error
            raise
        self._end()

    def abort(self) -> None:
        """Gives up: nothing changes, and every lock is given back."""
        if self._state == "prepared":
            self._locks.close()
            tidy(self._store, (edit.name for edit in self._edits))
        self._state = "ended"

    def _add(self, name: str, new: Oid | str | None, expected: Expected, *, follow: bool = True) -> None:
        if self._state != "open":
            raise GitError("This change of refs was already made or given up.")
        refnames.check(name)
        if name in self._asked:
            raise GitError(f"{name} cannot be changed twice at once.")
        if isinstance(new, bytes) and (len(new) != 20 or not any(new)):
            raise GitError(f"{new.hex()} is not the id of an object, so {name} cannot be set to it.")
        target = name
        if follow and new is not None:
            with suppress(GitError):  # a damaged ref can be set again
                target = self._store.follow(name)
        self._asked[name] = _Edit(target, new, expected)

    def _lock(self) -> None:
        names = {edit.name for edit in self._edits}
        if len(names) < len(self._edits):
            raise GitError("One ref cannot be changed twice at once, by its own name and through a symbolic ref.")
        for name in names:
            for above in refnames.ancestors(name):
                if above in names:
                    raise RefConflict(f"{above} and {name} cannot both be refs.")
        self._packed_path = os.path.realpath(f"{self._store.common_dir}/packed-refs")
        paths = {edit.name: self._store.path(edit.name) for edit in self._edits}
        self._locks.open([*paths.values(), self._packed_path])
        for name, path in paths.items():
            self._locks.take(path, name)

    def _examine(self) -> None:
        """Reads each ref under its lock, compares it with what was expected, and refuses clashes of names.

        Files are looked at before packed-refs: whoever makes a clashing ref there keeps its lock until it is in.
        """
        clear: set[str] = set()
        for edit in self._edits:
            try:
                edit.loose = self._store.loose(edit.name)
            except GitError:
                edit.is_broken = True
            if edit.new is not None and not edit.exists and edit.name.startswith("refs/"):
                edit.clash = clash(self._store.path(edit.name), edit.name, clear)
        packed = open_packed(self._packed_path)
        if len(self._edits) > _FEW:
            packed.load()
        clear.clear()
        for edit in self._edits:
            if isinstance(edit.loose, str):
                edit.old = self._store.read(edit.loose)
            else:
                edit.old = edit.loose or (packed.find(edit.name) if edit.name.startswith("refs/") else None)
            _compare(edit)
            if edit.new is not None and not edit.exists and edit.name.startswith("refs/"):
                problem = edit.clash or packed_clash(packed, edit.name, clear)
                if problem:
                    raise RefConflict(f"{edit.name} cannot be made {problem}.")

    def _choose_ways(self) -> None:
        fresh = []
        for edit in self._edits:
            if edit.new is None:
                edit.way = "delete" if edit.exists else "nothing"
            elif edit.new != edit.old or isinstance(edit.loose, str):
                edit.way = "loose"
                if edit.loose is None and not edit.is_broken and self._can_be_packed(edit):
                    fresh.append(edit)
        if len(fresh) >= PACK_FROM:
            for edit in fresh:
                edit.way = "packed"

    def _can_be_packed(self, edit: _Edit) -> bool:
        name = edit.name
        if isinstance(edit.new, str) or refnames.is_per_worktree(name):
            return False
        return self._store.objects is not None or is_commit_ref(name)

    def _write_aside(self) -> None:
        for edit in self._edits:
            if edit.way == "loose":
                text = f"ref: {edit.new}" if isinstance(edit.new, str) else edit.new.hex() if edit.new else ""
                edit.temp = self._locks.temp(f"{text}\n".encode("utf-8", "surrogateescape"), sync=True)
        changed = [edit for edit in self._edits if edit.way in ("packed", "delete") and edit.name.startswith("refs/")]
        if not changed:
            return
        self._locks.take(self._packed_path, "packed-refs")
        packed = open_packed(self._packed_path)
        packed.load()
        peel = peeler(self._store)
        changes: dict[str, Packed | None] = {}
        for edit in changed:
            if isinstance(edit.new, bytes):
                changes[edit.name] = Packed(edit.new, peel(edit.name, edit.new) if peel else None)
            elif packed.find(edit.name) is not None:
                changes[edit.name] = None
        if changes:
            self._packed_temp = self._locks.temp(content(packed, changes, peel), sync=True)

    def _write_logs(self, undo: list[Callable[[], None]]) -> None:
        """Adds the lines that Git would add to the logs, before the change itself, as Git does."""
        if not self._message or self._who is None:
            return
        head = self._store.symbolic("HEAD")
        for edit in self._edits:
            new = self._store.read(edit.new) if isinstance(edit.new, str) else edit.new
            if new is None or edit.way == "nothing":
                continue
            text = reflog.line(edit.old, new, self._who, self._message)
            for name in (edit.name, "HEAD") if edit.name == head else (edit.name,):
                path = self._store.log_path(name)
                if reflog.wants_log(name, path, self._store.log):
                    undo.append(reflog.append(path, text))

    def _publish(self, edit: _Edit) -> None:
        """Renames one new value into place, once whoever wanted a ref below it has seen our lock and given up."""
        path = self._store.path(edit.name)
        deadline = time.monotonic() + reflocks.PATIENCE
        while True:
            try:
                disk.rename(edit.temp, path)
                return
            except IsADirectoryError:
                if not emptied(path) and time.monotonic() > deadline:
                    raise RefConflict(f"{edit.name} cannot be made because there are refs below it.") from None
                time.sleep(0.001)

    def _restorer(self, edit: _Edit) -> Callable[[], None]:
        path = self._store.path(edit.name)
        if edit.is_broken:
            return lambda: None  # the new value is better than the damage
        if edit.loose is None:
            return lambda: None if os.path.exists(edit.temp) else disk.unlink(path, missing_ok=True)
        before = f"ref: {edit.loose}\n" if isinstance(edit.loose, str) else f"{edit.loose.hex()}\n"
        return lambda: disk.write_atomic(path, before.encode("utf-8", "surrogateescape"))

    def _end(self) -> None:
        """What follows once the change is made; nothing here can unmake it, so nothing here fails."""
        self._state = "ended"
        gone = [edit for edit in self._edits if edit.way == "delete"]
        with suppress(OSError):
            for edit in gone:
                disk.unlink(self._store.log_path(edit.name), missing_ok=True)
        self._locks.close()
        tidy(self._store, (edit.name for edit in self._edits if edit.way != "loose"))
        with suppress(OSError):
            folders = {os.path.dirname(self._store.path(edit.name)) for edit in self._edits if edit.way == "loose"}
            for folder in (*folders, *([os.path.dirname(self._packed_path)] if self._packed_temp else [])):
                disk.sync_folder(folder)


def _compare(edit: _Edit) -> None:
    """Raises RefConflict when a ref is not what it was expected to be."""
    expected = edit.expected
    if isinstance(expected, Anything) or (expected == edit.old and (edit.old or not edit.exists)):
        return
    if expected is None:
        raise RefConflict(f"{edit.name} already exists.")
    if not edit.exists:
        raise RefConflict(f"{edit.name} does not exist any more; it was expected to be {expected.hex()[:10]}.")
    now = edit.old.hex()[:10] if edit.old else "damaged"
    raise RefConflict(f"{edit.name} is {now} and not {expected.hex()[:10]} as expected: somebody else changed it.")


def failed(error: OSError) -> GitError:
    """The sentence about a file system that refuses."""
    where = f" ({error.filename})" if error.filename else ""
    return GitError(f"The refs cannot be changed: {error.strerror or error}{where}.")
