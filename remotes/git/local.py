"""A Git repository on this machine: objects and refs are read and written where they lie, no other program runs.

What is sent goes in the order objects, sync, refs, each ref from the value its writer expects. The walk for what is
missing begins at the new commits and ends at those that the other side has completely; a folder that is as in the
commit before is not looked into. Hooks of the other side do not run, HEAD there never moves, and a branch that is
checked out in a work tree is not moved under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptObject, CorruptRemote, GitError
from assay.engine.git.batch import FEW, pack_folder
from assay.engine.git.reach import beyond
from assay.engine.git.repository import Repository
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource, PackSink, RefResult, RefUpdate
from assay.remotes.depth import parents_of, within
from assay.remotes.moves import expected, why_not
from assay.remotes.reachable import Reachable


class LocalTransport:
    """The objects and refs of a repository on this machine.

    Args:
        there: The repository; closed with this.
        url: What the user calls it.
        here: The repository on this side.
        folder: Where packs lie while they come; on the file system of the repository on this side.

    Attributes:
        url: What the user calls it.
        objects: How many objects have travelled so far; ``size`` likewise in bytes.
        depth: How many commits of history are fetched; None for all there are. What is pushed is whole.
    """

    def __init__(self, there: Repository, url: str, here: Repository, folder: str) -> None:
        self.url = url
        self.objects = 0
        self.size = 0
        self.depth: int | None = None
        self._there = there
        self._here = here
        self._folder = folder

    @property
    def damaged(self) -> Mapping[str, str]:
        """Refs there that hold neither an id nor another ref's name."""
        return {name: f"{self.url}: the ref {name} is damaged." for name in self._there.refs.damaged("refs/exps/")}

    @property
    def damaged_refs(self) -> Mapping[str, str]:
        """The same."""
        return self.damaged

    def head(self) -> str | None:
        """The branch that is checked out there; None where it has no commit yet."""
        name = self._there.head_ref()
        return name if name is not None and self._there.refs.read(name) is not None else None

    def refs(self, prefixes: Sequence[str]) -> Mapping[str, Oid]:
        """The refs whose names start with one of the prefixes."""
        return {name: oid for prefix in prefixes for name, oid in self._there.refs.iterate(prefix)}

    def fetch(
        self, wants: Iterable[Oid], have: ObjectSource, into: PackSink, *, complete: Callable[[Oid], bool]
    ) -> int:
        """Brings everything that ``wants`` need and ``have`` lacks, in one pack that is checked before it is let in.

        Raises:
            CorruptRemote: An object there is missing or damaged.
        """
        there, wants, size = self._there.objects, list(wants), 0
        cut, joined = set(self._there.shallow), frozenset[Oid]()
        try:
            if self.depth is not None:
                reach = within(there, wants, self.depth, cut)
                cut |= reach.edge
                joined = reach.inside & self._here.shallow
            back = [parent for oid in joined for parent in parents_of(there, oid)]
            needed = list(beyond(there, [*wants, *back], complete, shallow=cut))
            ends = [oid for oid in needed if oid in cut]
            cut = {oid for oid in ends if not all(complete(parent) for parent in parents_of(there, oid))}
            if missing := [oid for oid in needed if oid not in have]:
                size = self._take(missing, into)
        except (GitError, CorruptObject) as error:
            raise CorruptRemote(f"{self.url}: {error.message}", error.hint) from error
        except OSError as error:
            raise disk.no_space(error, self._folder) from error
        self._here.change_shallow(cut, joined)
        return size

    def _take(self, oids: Sequence[Oid], into: PackSink) -> int:
        disk.make_folders(self._folder)
        with disk.NewFile(self._folder, 0o444) as file:
            count = self._there.objects.pack_to(oids, file)
            file.close()
            into.add_pack(file.path)
        self.objects += count
        self.size += file.size
        return file.size

    def unsent(self, wants: Sequence[Oid], source: ObjectSource) -> Sequence[Oid]:
        """The objects that `push` would send for refs with these values."""
        complete, there, edge = Reachable(self._there), self._there.objects, self._here.shallow
        needed = list(beyond(source, wants, complete, shallow=edge))
        for oid in (oid for oid in needed if oid in edge):
            if not all(complete(parent) for parent in parents_of(source, oid)):
                raise GitError(
                    f"This repository is a shallow clone, and {self.url} lacks the history before {oid.hex()[:7]}.",
                    "Fetch it first: `git fetch --unshallow`.",
                )
        return [oid for oid in needed if oid not in there]

    def push(self, updates: Sequence[RefUpdate], source: ObjectSource) -> list[RefResult]:
        """Sends the objects that the new values need, then moves each ref."""
        problems = {}
        for update in updates:
            now = self._there.refs.read(update.refname) if update.refname.startswith("refs/") else None
            problem = (
                why_not(update, now, source, shallow=self._here.shallow)
                or expected(update, now)
                or self._checked_out(update.refname)
            )
            if problem:
                problems[update.refname] = problem
        good = [update for update in updates if update.refname not in problems]
        self._send([update.new for update in good if update.new is not None], source)
        problems.update(self._move(good))
        return [RefResult(update.refname, problems.get(update.refname, "")) for update in updates]

    def close(self) -> None:
        """Closes the repository."""
        self._there.close()

    def _checked_out(self, name: str) -> str:
        if self._there.worktree is None or name != self._there.head_ref():
            return ""
        return f"{name} is checked out at {self.url} and would change under whoever works there."

    def _send(self, wants: Sequence[Oid], source: ObjectSource) -> None:
        there = self._there.objects
        missing = self.unsent(wants, source)
        if not missing:
            return
        if len(missing) <= FEW:
            with there.batch() as batch:
                for oid in missing:
                    kind, data = source.read(oid)
                    batch.add(kind, data)
                    self.size += len(data)
        else:
            self._send_pack(missing)
        self.objects += len(missing)
        disk.sync_tree(there.path)

    def _send_pack(self, oids: Sequence[Oid]) -> None:
        there = self._there.objects
        try:
            with disk.NewFile(pack_folder(there.path), 0o444, "tmp_pack_") as file:
                self._here.objects.pack_to(oids, file)
                file.close()
                self.size += file.size
                there.add_pack(file.path)
        except OSError as error:
            raise disk.no_space(error, there.path) from error

    def _move(self, updates: Sequence[RefUpdate]) -> dict[str, str]:
        """Moves refs together, and where that does not go, one by one; returns what went wrong, by name."""
        try:
            with self._there.refs.transaction() as change:
                for name, old, new in updates:
                    if new is None:
                        change.delete(name, old)
                    else:
                        change.update(name, new, old)
        except AssayError as error:
            if len(updates) == 1:
                return {updates[0].refname: error.message}
            problems = {}
            for update in updates:
                problems.update(self._move([update]))
            return problems
        return {}
