"""engine/git/packedrefs.py: searching and editing the file that holds many refs."""

from __future__ import annotations

import pytest

from assay.engine.errors import GitError
from assay.engine.git import packedrefs
from assay.engine.git.packedrefs import HEADER, Packed, PackedRefs, open_packed
from assay.engine.model import Oid

A, B, C = (Oid(bytes([number]) * 20) for number in (1, 2, 3))
SORTED = (
    HEADER
    + b"%b refs/heads/main\n" % A.hex().encode()
    + b"%b refs/tags/v1\n^%b\n" % (B.hex().encode(), A.hex().encode())
    + b"%b refs/tags/v10\n" % A.hex().encode()
    + b"%b refs/tags/v2\n^%b\n" % (C.hex().encode(), A.hex().encode())
)


@pytest.fixture(params=["memory", "file"])
def open_text(request, tmp_path, monkeypatch):
    """Opens a content as a small file (read at once) and as a large one (searched with short reads)."""
    if request.param == "file":
        monkeypatch.setattr(packedrefs, "_IN_MEMORY", 0)
        monkeypatch.setattr(packedrefs, "_WINDOW", 16)

    def opened(data):
        path = tmp_path / "packed-refs"
        path.write_bytes(data)
        return open_packed(str(path))

    return opened


def test_a_file_that_is_not_there_has_no_refs(tmp_path):
    packed = open_packed(str(tmp_path / "packed-refs"))
    assert packed.items() == []
    assert packed.find("refs/heads/main") is None
    assert not packed.has_below("refs")


@pytest.mark.parametrize(
    ("name", "oid"),
    [("refs/heads/main", A), ("refs/tags/v1", B), ("refs/tags/v10", A), ("refs/tags/v2", C), ("refs/tags/v", None),
     ("refs/tags/v11", None), ("refs/tags/v3", None), ("a", None), ("", None)],
)  # fmt: skip
def test_one_ref_is_found_among_peeled_lines(open_text, name, oid):
    assert open_text(SORTED).find(name) == oid


def test_items_are_those_with_the_prefix(open_text):
    packed = open_text(SORTED)
    assert packed.items("refs/tags/v1") == [("refs/tags/v1", B), ("refs/tags/v10", A)]
    assert packed.items("refs/heads/") == [("refs/heads/main", A)]
    assert packed.items("refs/zzz") == []
    assert len(packed.items()) == 4


def test_items_can_have_a_prefix_that_ends_in_the_last_byte(open_text):
    name = "refs/heads/\udcff\udcff"
    data = HEADER + b"%b refs/heads/\xff\xff\n" % A.hex().encode()
    assert open_text(data).items(name) == [(name, A)]


def test_below_is_a_folder_and_not_a_beginning(open_text):
    packed = open_text(SORTED)
    assert packed.has_below("refs/tags")
    assert not packed.has_below("refs/tags/v1")


def test_records_hold_what_tags_peel_to(open_text):
    assert dict(open_text(SORTED).records())["refs/tags/v1"] == Packed(B, A)
    assert dict(open_text(SORTED).records())["refs/tags/v10"] == Packed(A, None)


def test_names_by_their_last_part(open_text):
    data = HEADER + b"".join(b"%b refs/exps/%b\n" % (A.hex().encode(), end) for end in (b"a/x", b"b/x", b"b/xx"))
    assert open_text(data).names_ending("x", "refs/exps/") == ["refs/exps/a/x", "refs/exps/b/x"]
    assert open_text(data).names_ending("x", "refs/heads/") == []


def test_an_edit_copies_every_other_line(open_text):
    changes = {"refs/tags/v1": None, "refs/heads/main": Packed(C), "refs/heads/a": Packed(B, C)}
    assert open_text(SORTED).edited(changes) == (
        HEADER
        + b"%b refs/heads/a\n^%b\n" % (B.hex().encode(), C.hex().encode())
        + b"%b refs/heads/main\n" % C.hex().encode()
        + SORTED[SORTED.index(b"\n", SORTED.index(b"refs/tags/v1\n^") + 14) + 1 :]
    )


def test_an_edit_of_nothing_makes_a_whole_file(tmp_path):
    edited = open_packed(str(tmp_path / "packed-refs")).edited({"refs/heads/main": Packed(A)})
    assert edited == HEADER + b"%b refs/heads/main\n" % A.hex().encode()


def test_a_file_that_is_not_sorted_is_read_all_the_same(open_text):
    data = b"%b refs/tags/b\n^%b\n%b refs/heads/a\n" % (B.hex().encode(), A.hex().encode(), A.hex().encode())
    packed = open_text(data)
    assert packed.find("refs/tags/b") == B
    assert packed.items() == [("refs/heads/a", A), ("refs/tags/b", B)]
    assert not packed.is_exact
    with pytest.raises(GitError, match="rewritten as a whole"):
        packed.edited({})


def test_a_rewrite_peels_what_was_not_and_says_so(open_text):
    data = b"# pack-refs with: peeled \n%b refs/tags/b\n%b refs/heads/a\n" % (B.hex().encode(), A.hex().encode())
    written = open_text(data).rewritten({}, lambda name, oid: C if name.startswith("refs/tags/") else None)
    assert written == HEADER + b"%b refs/heads/a\n%b refs/tags/b\n^%b\n" % (
        A.hex().encode(), B.hex().encode(), C.hex().encode()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b"# pack-refs with: sorted \n"), (b"# pack-refs with: peeled \n", b"# pack-refs with: peeled sorted \n"),
     (b"# pack-refs with: peeled fully-peeled \n", HEADER)],
)  # fmt: skip
def test_a_rewrite_that_cannot_peel_promises_no_more_than_before(open_text, before, after):
    line = b"%b refs/heads/a\n" % A.hex().encode()
    assert open_text(before + line).rewritten({}, None) == after + line


def test_a_file_without_an_end_is_damaged(open_text):
    with pytest.raises(GitError, match="is damaged: its last line has no end"):
        open_text(SORTED[:-1])


@pytest.mark.parametrize(
    "line", [b"x" * 40 + b" refs/heads/a\n", b"\n", b"abcd\n", b"1" * 40 + b"\n", b"ab refs/heads/a\n"]
)
def test_a_line_that_is_no_ref_is_damage_and_not_a_ref(open_text, line):
    packed = open_text(HEADER + line)
    with pytest.raises(GitError, match="is damaged"):
        packed.items()


def test_damage_is_found_where_one_ref_is_asked_for(open_text):
    packed = open_text(HEADER + b"z" * 40 + b" refs/heads/a\n")
    with pytest.raises(GitError, match="is damaged"):
        packed.find("refs/heads/a")


def test_a_name_longer_than_what_is_read_at_once_is_found(open_text):
    names = [f"refs/heads/{letter * 3000}" for letter in "abc"]
    packed = open_text(HEADER + "".join(f"{A.hex()} {name}\n^{B.hex()}\n" for name in names).encode())
    assert [packed.find(name) for name in names] == [A, A, A]
    assert packed.find("refs/heads/b") is None


def test_a_header_longer_than_usual_is_read(open_text):
    data = HEADER[:-1] + b"x" * 20 + b"\n" + b"%b refs/heads/a\n" % A.hex().encode()
    assert open_text(data).find("refs/heads/a") == A


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    (tmp_path / "packed-refs").mkdir()
    with pytest.raises(GitError, match="packed-refs cannot be read: Is a directory"):
        open_packed(str(tmp_path / "packed-refs"))


def test_it_can_be_closed_twice():
    packed = PackedRefs("x", SORTED)
    packed.close()
    packed.close()
