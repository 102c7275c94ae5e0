"""What servers send, whatever it is, becomes what it says or one sentence; and what we send is read by Git's rules."""

from __future__ import annotations

import io
import string
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from assay.engine.errors import AssayError
from assay.engine.model import Oid
from assay.remotes.git.greeting import Greeting, read_greeting, read_listed, with_prefixes
from assay.remotes.git.packets import FLUSH, LARGEST, Messages, Packets, as_text, packet, unband
from assay.remotes.git.requests import Wish, fetch_request, read_fetched, read_verdict
from assay.remotes.git.wire import UPLOAD_PACK
from tests.gitwire import Scripted

V2 = Greeting(2, {"agent": "x", "fetch": "shallow"}, {}, None, frozenset(), frozenset())
V0 = Greeting(0, {"side-band-64k": "", "shallow": ""}, {}, None, frozenset(), frozenset())
WISH = Wish([Oid(b"\1" * 20)], [], [], 1)

oids = st.binary(min_size=20, max_size=20).map(Oid)
contents = st.binary(max_size=200).filter(lambda content: content[:4] != b"ERR ")
names = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "é", "x-1"]), min_size=1, max_size=4).map(
    lambda parts: "refs/" + "/".join(parts)
)
words = st.sampled_from(
    [
        b"0000", b"0001", b"0002", b"0003", b"0004", b"version 2\n", b"version 1\n", b"# service=git-upload-pack\n",
        b"1" * 40, b" refs/heads/main", b"\0", b"\n", b"HEAD", b" symref-target:refs/heads/main", b"unborn ", b"ACK ",
        b"NAK\n", b"packfile\n", b"shallow-info\n", b"shallow ", b"unpack ok\n", b"ok ", b"ng ", b"\1", b"\2", b"\3",
        b"ERR no", b"PACK\0\0\0\2", b"ffff", b"+123", b"object-format=sha256", b"\xff", b"capabilities^{}", b".have",
    ]
)  # fmt: skip
noise = st.lists(words | st.binary(max_size=8), max_size=12).map(b"".join)
framed = st.lists(noise.map(packet) | st.sampled_from([b"0000", b"0001"]) | noise, max_size=8).map(b"".join)


def reader(raw: bytes, piece: int = 1 << 16) -> Packets:
    return Packets(Scripted(raw, piece=piece), "the url")


def problem_of(call: Callable[[], object]) -> str | None:
    """The sentence that a call ends with; None where it ends well."""
    try:
        call()
    except AssayError as error:
        return error.message
    return None


@given(st.lists(contents | st.none(), max_size=20), st.integers(1, 50))
def test_packets_come_out_as_they_went_in_wherever_the_stream_is_cut(sent: list[bytes | None], piece: int) -> None:
    raw = b"".join(FLUSH if content is None else packet(content) for content in sent)
    packets = reader(raw, piece)
    assert [packets.next() for _ in sent] == sent


def test_the_largest_packet_is_read_and_a_larger_size_is_none() -> None:
    assert reader(packet(b"x" * LARGEST)).next() == b"x" * LARGEST


@given(framed, st.integers(1, 30))
def test_whatever_a_server_says_becomes_a_value_or_a_sentence(raw: bytes, piece: int) -> None:
    for read in (
        lambda packets: read_greeting(packets, UPLOAD_PACK, "the url"),
        lambda packets: read_listed(packets, "the url"),
        lambda packets: read_fetched(packets, V2, WISH, "the url"),
        lambda packets: read_fetched(packets, V0, WISH, "the url"),
        lambda packets: read_verdict(packets.rest(), "the url"),
        lambda packets: list(unband(packets, "the url", Messages(str))),
    ):
        problem = problem_of(lambda read=read: read(reader(raw, piece)))
        assert problem is None or ("the url" in problem and problem.isprintable())


@given(st.dictionaries(names, oids, max_size=6), st.sampled_from([0, 1]), st.sets(oids, max_size=3))
def test_refs_that_are_listed_are_refs_that_are_read(refs: dict[str, Oid], version: int, others: set[Oid]) -> None:
    lines = [oid.hex().encode() + b" " + name.encode() for name, oid in refs.items()]
    lines += [oid.hex().encode() + b" .have" for oid in others]
    first = lines[0] if lines else b"0" * 40 + b" capabilities^{}"
    raw = packet(b"version 1\n") if version else b""
    raw += packet(first + b"\0report-status symref=HEAD:refs/a agent=git/2\n")
    raw += b"".join(packet(line + b"\n") for line in lines[1:]) + FLUSH
    greeting = read_greeting(reader(raw), UPLOAD_PACK, "the url")
    assert (greeting.version, greeting.shown, greeting.others) == (version, refs, others)
    assert greeting.abilities == {"report-status": "", "symref": "HEAD:refs/a", "agent": "git/2"}
    assert greeting.head == "refs/a"


@given(st.dictionaries(names, oids, max_size=6))
def test_the_answer_of_version_2_is_read(refs: dict[str, Oid]) -> None:
    lines = [b"1" * 40 + b" HEAD symref-target:refs/heads/main\n"]
    lines += [f"{oid.hex()} {name} peeled:{'2' * 40}\n".encode() for name, oid in refs.items()]
    listed = read_listed(reader(b"".join(map(packet, lines)) + FLUSH), "the url")
    assert listed == (refs, "refs/heads/main")


@given(st.lists(names, max_size=60, unique=True), st.lists(st.text("refs/ab.-", max_size=8), max_size=40))
def test_refs_with_a_prefix_are_those_that_begin_so(all_names: list[str], prefixes: list[str]) -> None:
    refs = {name: Oid(b"\1" * 20) for name in all_names}
    good, bad = with_prefixes(refs, prefixes)
    assert sorted([*good, *bad]) == sorted(name for name in refs if any(name.startswith(one) for one in prefixes))


@given(st.lists(oids, min_size=1, max_size=5), st.lists(oids, max_size=5), st.sampled_from([V0, V2]))
def test_what_is_wanted_and_what_is_here_are_said_in_packets(
    wants: list[Oid], haves: list[Oid], greeting: Greeting
) -> None:
    packets = Packets(io.BytesIO(fetch_request(greeting, Wish(wants, haves))), "here")
    lines: list[bytes] = []
    while not lines or lines[-1] != b"done\n":
        lines.append(packets.next() or b"")
    assert [line[5:45].decode() for line in lines if line.startswith(b"want ")] == [oid.hex() for oid in wants]
    assert [line[5:45].decode() for line in lines if line.startswith(b"have ")] == [oid.hex() for oid in haves]


@given(st.lists(st.text(string.printable + "é\x1b", max_size=30), max_size=10), st.integers(1, 20))
def test_what_a_server_wants_people_to_read_is_told_a_line_at_a_time(lines: list[str], piece: int) -> None:
    raw = "\n".join(lines).encode()
    told: list[str] = []
    messages = Messages(told.append)
    for at in range(0, len(raw), piece):
        messages.add(raw[at : at + piece])
    messages.end()
    shown = (line.rstrip("\r").rpartition("\r")[2] for line in "\n".join(lines).split("\n"))
    assert told == [text for line in shown if (text := as_text(line.encode()))]
    assert all(line.isprintable() for line in told)


@given(noise)
def test_a_sentence_of_the_server_is_one_line(said: bytes) -> None:
    problem = problem_of(reader(packet(b"ERR " + said)).next)
    assert problem is not None
    assert problem.isprintable()
