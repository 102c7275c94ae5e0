"""A Git repository on a server: objects and refs travel by Git's own protocol, over any `Wire`.

Fetching asks in version 2 where the server knows it, else in the old one: refs by their prefixes, then everything in
one message and one pack, which is checked before it is let in, and after that whether it brought all that was asked
for. Pushing sends what the server does not surely have, each ref with the value that it was expected to have; the
server looks at that again when it moves the ref, and says of each what became of it.

Limits: one thread; what is fetched whole must have its whole history on the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from assay.engine import disk
from assay.engine.errors import CorruptObject, CorruptRemote, GitError, MissingObject, RemoteError
from assay.engine.events import Note, Reporter, silent
from assay.engine.git.reach import beyond
from assay.engine.git.repository import Repository
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource, PackSink, RefResult, RefUpdate
from assay.remotes.depth import parents_of
from assay.remotes.git.greeting import Greeting, Listed, read_greeting, read_listed, with_prefixes
from assay.remotes.git.haves import haves
from assay.remotes.git.packets import Messages, Packets, unband
from assay.remotes.git.reached import SurelyThere
from assay.remotes.git.requests import (
    Edge,
    Verdict,
    Wish,
    can_cut,
    fetch_request,
    list_request,
    move_request,
    pack_pieces,
    read_fetched,
    read_verdict,
)
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK, Reader, Wire
from assay.remotes.moves import expected, why_not

_PACK_HEAD = 12
_LONGEST_REPORT = 64 << 20


class ServerTransport:
    """The objects and refs of a repository on a server.

    Args:
        wire: The way there; closed with this.
        here: The repository on this side.
        folder: Where packs lie while they travel; on the file system of the repository on this side.
        asks: The service that is asked for refs. `RECEIVE_PACK` for who is about to push: it answers the question
            and takes the push in one conversation, and what it said a moment ago is not asked for again.
        report: Takes what the server wants people to read.

    Attributes:
        url: What the user calls it.
        objects: How many objects have travelled so far; ``size`` likewise in bytes.
        depth: How many commits of history are fetched; None for all there are. What is pushed is whole.
    """

    def __init__(
        self, wire: Wire, here: Repository, folder: str, *, asks: str = UPLOAD_PACK, report: Reporter = silent
    ) -> None:
        self.url = wire.url
        self.objects = 0
        self.size = 0
        self.depth: int | None = None
        self._wire = wire
        self._here = here
        self._folder = folder
        self._asks = asks
        self._report = report
        self._service = ""
        self._greeting: Greeting | None = None
        self._damaged: dict[str, str] = {}
        self._seen: dict[str, Oid] = {}
        self._arrived: set[Oid] = set()

    @property
    def damaged(self) -> Mapping[str, str]:
        """Refs there that have names which no ref can have."""
        return self._damaged

    @property
    def damaged_refs(self) -> Mapping[str, str]:
        """The same."""
        return self._damaged

    def begin(self) -> None:
        """Sets out for the server, which is asked for refs soon."""
        self._wire.begin(self._asks)

    def head(self) -> str | None:
        """The branch that HEAD names there; None where it has no commit yet, and where HEAD names none."""
        head = self._listed(()).head
        return head if head is not None and head.startswith("refs/heads/") else None

    def refs(self, prefixes: Sequence[str]) -> Mapping[str, Oid]:
        """The refs whose names start with one of the prefixes. Raises RemoteError."""
        if self._asks == RECEIVE_PACK:
            listed = self._greeted(RECEIVE_PACK).shown
        else:
            listed = self._listed(prefixes).refs
        good, bad = with_prefixes(listed, prefixes)
        self._damaged.update((name, f"{self.url}: no ref can have the name {name!r}.") for name in bad)
        self._seen.update(good)
        return good

    def fetch(
        self, wants: Iterable[Oid], have: ObjectSource, into: PackSink, *, complete: Callable[[Oid], bool]
    ) -> int:
        """Brings everything that ``wants`` need and ``have`` lacks, in one pack that is checked before it is let in.

        Raises:
            CorruptRemote: What came is damaged, or is not all that was asked for.
            RemoteError: The server does not send it.
        """
        wants = list(dict.fromkeys(wants))
        missing = [oid for oid in wants if self._is_missing(oid, have, complete)]
        asked = missing if self.depth is None else wants
        if not asked:
            return 0
        before = self.size
        wish = Wish(asked, haves(self._here, set(asked), self._seen, complete), self._here.shallow, self.depth or 0)
        edge = self._bring(wish, into)
        try:
            cut = self._cut(edge, have, complete)
            back = [parent for oid in edge.joined for parent in parents_of(have, oid)]
            for oid in beyond(have, [*missing, *back], complete, shallow=(self._here.shallow - edge.joined) | cut):
                if oid not in have:
                    raise MissingObject(f"The Git object {oid.hex()} is not there.")
        except GitError as error:
            if edge.cut and self.depth is None:
                raise GitError(
                    f"{self.url} is a shallow clone: the history of what was asked for ends there.",
                    "Fetch from the repository that it was cloned from.",
                ) from error
            raise CorruptRemote(f"{self.url} did not send all that was asked for: {error.message}") from error
        self._here.change_shallow(cut, edge.joined)
        self._arrived.update(missing)
        return self.size - before

    def _cut(self, edge: Edge, have: ObjectSource, complete: Callable[[Oid], bool]) -> set[Oid]:
        """Where history ends here now that did not before: what is here already is kept, whatever was asked for."""
        if self.depth is None:
            return set()
        new = (oid for oid in edge.cut if oid in have)
        return {oid for oid in new if not all(complete(parent) for parent in parents_of(have, oid))}

    def unsent(self, wants: Sequence[Oid], source: ObjectSource) -> Sequence[Oid]:
        """The objects that `push` would send for refs with these values."""
        greeting = self._greeted(RECEIVE_PACK)
        there = SurelyThere(self._here, greeting.shown, greeting.others, greeting.shallow)
        return list(beyond(source, wants, there, shallow=self._here.shallow))

    def push(self, updates: Sequence[RefUpdate], source: ObjectSource) -> list[RefResult]:
        """Sends the objects that the new values need, then moves each ref."""
        greeting = self._greeted(RECEIVE_PACK)
        problems = {}
        for update in updates:
            now = greeting.shown.get(update.refname)
            problem = why_not(update, now, source, shallow=self._here.shallow) or expected(update, now)
            if not problem and update.new is None and "delete-refs" not in greeting.abilities:
                problem = f"{self.url} lets nobody delete {update.refname}."
            if problem:
                problems[update.refname] = problem
        good = [
            update
            for update in updates
            if update.refname not in problems and greeting.shown.get(update.refname) != update.new
        ]
        if good:
            problems.update(self._move(greeting, good, source))
        return [RefResult(update.refname, problems.get(update.refname, "")) for update in updates]

    def close(self) -> None:
        """Lets go of the connection."""
        self._greeting = None
        self._wire.close()

    def _greeted(self, service: str) -> Greeting:
        """What a service said when it was greeted, a moment ago or now."""
        if self._greeting is None or self._service != service or not self._wire.is_ready(service):
            self._greeting = None
            reader = self._wire.greet(service)
            self._greeting = read_greeting(self._packets(reader), service, self.url)
            self._service = service
        return self._greeting

    def _packets(self, reader: Reader) -> Packets:
        return Packets(reader, self.url, self._wire.said)

    def _listed(self, prefixes: Sequence[str]) -> Listed:
        greeting = self._greeted(UPLOAD_PACK)
        if greeting.version == 2:
            request = list_request(greeting, prefixes)
            return read_listed(self._packets(self._wire.ask(UPLOAD_PACK, request)), self.url)
        return Listed(greeting.shown, greeting.head)

    def _is_missing(self, oid: Oid, have: ObjectSource, complete: Callable[[Oid], bool]) -> bool:
        """Whether an object, or something that it needs, is not here."""
        if oid in self._arrived or complete(oid):
            return False
        if oid not in have:
            return True
        try:
            return any(one not in have for one in beyond(have, [oid], complete, shallow=self._here.shallow))
        except GitError:
            return True

    def _bring(self, wish: Wish, into: PackSink) -> Edge:
        """Fetches and adds a pack; returns where history ends. Raises RemoteError and GitError."""
        greeting = self._greeted(UPLOAD_PACK)
        if wish.depth and not can_cut(greeting):
            raise GitError(f"{self.url} gives history whole or not at all.", "Leave --depth out.")
        packets = self._packets(self._wire.ask(UPLOAD_PACK, fetch_request(greeting, wish)))
        if greeting.version != 2:
            self._greeting = None  # this was its only answer
        edge = read_fetched(packets, greeting, wish, self.url)
        try:
            disk.make_folders(self._folder)
            with disk.NewFile(self._folder, 0o444) as file:
                head = b""
                for piece in pack_pieces(packets, greeting, self.url, self._messages()):
                    head += piece[: _PACK_HEAD - len(head)]
                    file.write(piece)
                file.close()
                count = int.from_bytes(head[8:], "big")
                if count or len(head) < _PACK_HEAD:
                    into.add_pack(file.path)
        except CorruptObject as error:
            raise CorruptRemote(f"{self.url}: {error.message}", error.hint) from error
        except OSError as error:
            raise disk.no_space(error, self._folder) from error
        self.objects += count
        self.size += file.size
        return edge

    def _move(self, greeting: Greeting, updates: Sequence[RefUpdate], source: ObjectSource) -> dict[str, str]:
        """Sends objects and wishes; returns what went wrong, by name."""
        wants = [update.new for update in updates if update.new is not None]
        missing = self.unsent(wants, source)
        request = move_request(greeting, updates, self._here.shallow)
        self._greeting = None  # refs are about to move
        try:
            disk.make_folders(self._folder)
            with disk.NewFile(self._folder, 0o600) as file:
                if wants:
                    self._here.objects.pack_to(missing, file)
                file.close()
                reader = self._wire.ask(RECEIVE_PACK, request, file.path if wants else "")
                problems = self._problems(greeting, updates, self._packets(reader))
        except OSError as error:
            raise disk.no_space(error, self._folder) from error
        self.objects += len(missing)
        self.size += file.size if missing else 0
        return problems

    def _problems(self, greeting: Greeting, updates: Sequence[RefUpdate], packets: Packets) -> dict[str, str]:
        if "report-status" not in greeting.abilities:
            now = self._greeted(RECEIVE_PACK).shown
            return {name: f"{self.url} did not move it." for name, _, new in updates if now.get(name) != new}
        if "side-band-64k" in greeting.abilities:
            packets = self._packets(_Joined(unband(packets, self.url, self._messages()), self.url))
        verdict = read_verdict(packets.rest(), self.url)
        return {update.refname: problem for update in updates if (problem := self._why(verdict, update))}

    def _why(self, verdict: Verdict, update: RefUpdate) -> str:
        """Why a ref did not move; empty when it did."""
        name = update.refname
        if verdict.unpacked:
            return f"{self.url} did not take the objects that {name} needs: {verdict.unpacked}."
        why = verdict.refs.get(name, "it says nothing of it")
        if "shallow" in why and self._here.shallow:
            why += "; it lacks history that this shallow clone lacks, too (`git fetch --unshallow` brings it)"
        return f"{self.url} did not move {name}: {why}." if why else ""

    def _messages(self) -> Messages:
        return Messages(lambda line: self._report(Note(f"remote: {line}")))


class _Joined:
    """The bytes of several pieces, one after the other, as a reader; of a report, which is short."""

    def __init__(self, pieces: Iterator[bytes], url: str) -> None:
        self._pieces = pieces
        self._url = url
        self._left = _LONGEST_REPORT
        self._piece = b""

    def read(self, size: int) -> bytes:
        """The next bytes."""
        if not self._piece:
            self._piece = next((piece for piece in self._pieces if piece), b"")
            self._left -= len(self._piece)
            if self._left < 0:
                raise RemoteError(f"{self._url} reports more than can be believed.")
        found, self._piece = self._piece[:size], self._piece[size:]
        return found
