"""Requests to Git services, and their answers other than refs: what is wanted, what is to be moved, what became of it.

Each request is one message that is sent whole: what is wanted and what is here already go together, so that one answer
brings the pack. Thin packs are asked for, whose deltas build on what is here: a server makes them in a tenth of the
time. Limits: no negotiation in rounds, no filters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from assay.engine.errors import CorruptRemote, Unavailable
from assay.engine.model import Oid
from assay.engine.ports import RefUpdate
from assay.remotes.git.greeting import NOTHING, Greeting
from assay.remotes.git.packets import DELIMITER, FLUSH, Messages, Packets, as_text, packet, packets, unband
from assay.version import __version__

AGENT = f"git/assay-{__version__}"
"""What we call ourselves; servers tell Git from browsers by the first word."""

_MANY = 20_000  # servers ignore more prefixes than some ten thousand, and give all refs


class Wish(NamedTuple):
    """What is to be fetched.

    Attributes:
        wants: The objects, with all that they need.
        haves: Commits that are here with all that they need.
        shallow: Commits that are here without their parents.
        depth: How many commits of each history; 0 for all.
    """

    wants: Sequence[Oid]
    haves: Sequence[Oid] = ()
    shallow: Collection[Oid] = ()
    depth: int = 0


class Edge(NamedTuple):
    """How the edge of a history that is cut moved: the commits that lost their parents, and those that got them."""

    cut: frozenset[Oid]
    joined: frozenset[Oid]


class Verdict(NamedTuple):
    """What became of a push.

    Attributes:
        unpacked: Why the objects were not taken; empty when they were.
        refs: For each ref that the server spoke of, why it did not move; empty when it did.
    """

    unpacked: str
    refs: Mapping[str, str]


def list_request(greeting: Greeting, prefixes: Sequence[str]) -> bytes:
    """Asks for HEAD and the refs with some prefixes, in version 2."""
    starts = ("HEAD", *prefixes) if len(prefixes) < _MANY else ()
    return (
        packets(_command("ls-refs", greeting))
        + DELIMITER
        + packets(["symrefs", *(f"ref-prefix {start}" for start in starts)])
        + FLUSH
    )


def fetch_request(greeting: Greeting, wish: Wish) -> bytes:
    """Asks for a pack, in the version that the service speaks."""
    edge = [f"shallow {oid.hex()}" for oid in sorted(wish.shallow)] + ([f"deepen {wish.depth}"] if wish.depth else [])
    wants = [f"want {oid.hex()}" for oid in wish.wants]
    haves = [*(f"have {oid.hex()}" for oid in wish.haves), "done"]
    if greeting.version == 2:
        head = packets(_command("fetch", greeting)) + DELIMITER
        return head + packets(["thin-pack", "no-progress", "ofs-delta", *edge, *wants, *haves]) + FLUSH
    wishes = ["side-band-64k", "side-band", "thin-pack", "ofs-delta", "no-progress", "shallow"]
    wants[0] += " " + " ".join(_known(greeting, wishes))
    return packets([*wants, *edge]) + FLUSH + packets(haves)


def can_cut(greeting: Greeting) -> bool:
    """Whether the service can leave out what lies beyond some depth."""
    if greeting.version == 2:
        return "shallow" in greeting.abilities.get("fetch", "").split()
    return "shallow" in greeting.abilities


def read_fetched(packets: Packets, greeting: Greeting, wish: Wish, url: str) -> Edge:
    """Reads the answer to `fetch_request` up to where the pack begins. Raises RemoteError."""
    if greeting.version != 2:
        edge = _read_edge(packets.rest(), url) if wish.depth else Edge(frozenset(), frozenset())
        _read_acknowledgment(packets, url)
        return edge
    edge = Edge(frozenset(), frozenset())
    while True:
        title = packets.next()
        if title is None:
            raise CorruptRemote(f"{url} was asked for objects and sends none.")
        if title.startswith(b"packfile\n") or title == b"packfile":
            return edge
        section = packets.rest()
        if title.strip() == b"shallow-info":
            edge = _read_edge(section, url)
        for _ in section:
            pass


def pack_pieces(packets: Packets, greeting: Greeting, url: str, messages: Messages) -> Iterator[bytes]:
    """The bytes of the pack that follows. Raises RemoteError."""
    if greeting.version == 2 or "side-band-64k" in greeting.abilities or "side-band" in greeting.abilities:
        return unband(packets, url, messages)
    return packets.beyond()


def move_request(greeting: Greeting, updates: Sequence[RefUpdate], shallow: Collection[Oid]) -> bytes:
    """Asks to move refs; the pack follows, unless all are deleted."""
    lines = [packet(f"shallow {oid.hex()}\n".encode()) for oid in sorted(shallow)]
    wishes = ["report-status", "side-band-64k", "quiet", "delete-refs"]
    behind = b"\0 " + " ".join(_known(greeting, wishes)).encode()
    for refname, old, new in updates:
        words = f"{(old or NOTHING).hex()} {(new or NOTHING).hex()} {refname}".encode("utf-8", "surrogateescape")
        lines.append(packet(words + behind))
        behind = b""
    return b"".join(lines) + FLUSH


def read_verdict(packets: Iterable[bytes], url: str) -> Verdict:
    """Reads the contents of a report (report-status). Raises RemoteError when there is none."""
    lines = iter(packets)
    first = next(lines, None)
    if first is None:
        raise Unavailable(f"{url} says nothing of what became of the push.")
    word, _, why = first.strip().partition(b" ")
    if word != b"unpack":
        raise CorruptRemote(f"{url} reports {as_text(first[:100])!r}, which is not in Git's protocol.")
    refs: dict[str, str] = {}
    for line in lines:
        kind, _, rest = line.rstrip(b"\n").partition(b" ")
        name, _, reason = rest.partition(b" ")
        if kind in (b"ok", b"ng"):
            said = as_text(reason) or "it gives no reason"
            refs[name.decode("utf-8", "surrogateescape")] = said if kind == b"ng" else ""
    return Verdict("" if why == b"ok" else as_text(why) or "it gives no reason", refs)


def _command(name: str, greeting: Greeting) -> list[str]:
    known = [f"agent={AGENT}"] if "agent" in greeting.abilities else []
    if "object-format" in greeting.abilities:
        known.append("object-format=sha1")
    return [f"command={name}", *known]


def _known(greeting: Greeting, wishes: Iterable[str]) -> list[str]:
    """Those of the wishes that the service can fulfil, bands of one kind only, and who we are."""
    found = [wish for wish in wishes if wish in greeting.abilities]
    if "side-band-64k" in found and "side-band" in found:
        found.remove("side-band")
    return [*found, f"agent={AGENT}"] if "agent" in greeting.abilities else found


def _read_edge(lines: Iterable[bytes], url: str) -> Edge:
    cut: set[Oid] = set()
    joined: set[Oid] = set()
    for line in lines:
        word, _, text = line.strip().partition(b" ")
        try:
            oid = Oid(bytes.fromhex(text.decode("ascii")))
        except ValueError:
            oid = NOTHING
        if word not in (b"shallow", b"unshallow") or len(oid) != 20 or oid == NOTHING:
            raise CorruptRemote(f"{url} says where history ends, which cannot be understood: {as_text(line[:100])!r}.")
        (cut if word == b"shallow" else joined).add(oid)
    return Edge(frozenset(cut), frozenset(joined))


def _read_acknowledgment(packets: Packets, url: str) -> None:
    """What comes before the pack in the old protocol: one line, or one for each of several commits in a row."""
    line = packets.next()
    if line is None or not line.startswith((b"NAK", b"ACK ")):
        raise CorruptRemote(f"{url} was asked for objects and answers {as_text((line or b'')[:100])!r}.")
    while packets.is_next(b"ACK "):
        packets.next()
