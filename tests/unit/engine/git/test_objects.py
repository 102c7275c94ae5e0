"""Trees, commits, tags: lenient where history is odd, strict where it is written."""

from __future__ import annotations

import pytest

from assay.engine.errors import CorruptObject, GitError
from assay.engine.git.objects import (
    BLOB,
    COMMIT,
    MODE_FILE,
    MODE_FOLDER,
    MODE_LINK,
    TREE,
    TreeItem,
    build_commit,
    build_tree,
    find_in_tree,
    format_signature,
    object_id,
    parse_commit,
    parse_signature,
    parse_tag,
    parse_tree,
)
from assay.engine.model import Oid, Signature

OID = Oid(bytes(range(1, 21)))
OTHER = Oid(bytes(range(101, 121)))
NULL = Oid(bytes(20))
WHO = Signature("A U Thor", "author@example.com", 1700000000, 330)


def test_ids_are_those_git_gives() -> None:
    assert object_id(BLOB, b"").hex() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert object_id(TREE, b"").hex() == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class TestTrees:
    """Parsing, building, finding."""

    def test_a_folder_sorts_as_if_its_name_ended_in_a_slash(self) -> None:
        items = [TreeItem("a0", MODE_FILE, OID), TreeItem("a", MODE_FOLDER, OID), TreeItem("a.b", MODE_FILE, OID)]
        assert [item.name for item in parse_tree(build_tree(items))] == ["a.b", "a", "a0"]

    def test_what_was_built_is_parsed(self) -> None:
        items = [TreeItem("link", MODE_LINK, OTHER), TreeItem("ordner-ä", MODE_FOLDER, OID)]
        assert parse_tree(build_tree(items)) == items

    def test_names_that_are_not_utf8_survive(self) -> None:
        raw = b"100644 caf\xe9\0" + OID
        assert build_tree(parse_tree(raw)) == raw
        assert find_in_tree(raw, "caf\udce9") == TreeItem("caf\udce9", MODE_FILE, OID)

    def test_modes_of_old_history_are_read_and_kept(self) -> None:
        raw = b"100664 a\0" + OID
        assert build_tree(parse_tree(raw)) == raw
        assert parse_tree(b"100640 a\0" + OID)[0].mode == 0o100640

    def test_a_name_cannot_occur_twice(self) -> None:
        with pytest.raises(GitError, match="twice"):
            build_tree([TreeItem("a", MODE_FILE, OID), TreeItem("a", MODE_FOLDER, OTHER)])

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", ".git", ".GIT", "git~1", ".git "])
    def test_names_that_no_checkout_may_write_are_refused(self, name: str) -> None:
        with pytest.raises(GitError):
            build_tree([TreeItem(name, MODE_FILE, OID)])

    @pytest.mark.parametrize(("mode", "oid"), [(0o100600, OID), (MODE_FILE, Oid(b"short")), (MODE_FILE, NULL)])
    def test_modes_and_ids_that_git_does_not_know_are_refused(self, mode: int, oid: Oid) -> None:
        with pytest.raises(GitError):
            build_tree([TreeItem("a", mode, oid)])

    def test_a_tree_cut_short_anywhere_is_corrupt(self) -> None:
        raw = build_tree([TreeItem("first", MODE_FILE, OID), TreeItem("second", MODE_FOLDER, OTHER)])
        whole = {0, len(b"100644 first\0") + 20, len(raw)}
        for end in set(range(len(raw))) - whole:
            with pytest.raises(CorruptObject):
                parse_tree(raw[:end])

    @pytest.mark.parametrize("raw", [b"100644 \0" + OID, b"100644 a/b\0" + OID, b"1x a\0" + OID, b"-1 a\0" + OID])
    def test_what_no_tree_holds_is_corrupt(self, raw: bytes) -> None:
        with pytest.raises(CorruptObject):
            parse_tree(raw)


class TestFindInTree:
    """A search for bytes that must not be fooled."""

    def test_each_name_is_found_with_its_own_item(self) -> None:
        items = parse_tree(build_tree(TreeItem(f"n{i}", MODE_FILE, object_id(BLOB, b"%d" % i)) for i in range(300)))
        raw = build_tree(items)
        assert [find_in_tree(raw, item.name) for item in items] == items

    @pytest.mark.parametrize("name", ["c", "", "a\0", "ab", "b"])
    def test_what_is_not_there_is_none(self, name: str) -> None:
        assert find_in_tree(build_tree([TreeItem("a", MODE_FILE, OID), TreeItem("bb", MODE_FILE, OID)]), name) is None

    @pytest.mark.parametrize("before", [b"x", b"", b"0123456789abcdefghij", b"\xff" * 40])
    @pytest.mark.parametrize("oid", [OID, bytes(20), b" " * 20, b"\0" * 19 + b" ", b" " + b"\0" * 19])
    def test_the_end_of_a_longer_name_is_not_taken_for_a_name(self, before: bytes, oid: bytes) -> None:
        decoy = before + b"100644 a"
        raw = b"100644 0\0" + oid + b"100644 " + decoy + b"\0" + oid
        assert find_in_tree(raw, "a") is None
        wanted = TreeItem("a", MODE_FOLDER, OTHER)
        assert find_in_tree(raw + b"40000 a\0" + OTHER, "a") == wanted

    @pytest.mark.parametrize("oid", [b" " * 20, b"\0" * 20, b"100644 a\0 100644 a\0."])
    def test_ids_with_any_bytes_do_not_hide_a_name(self, oid: bytes) -> None:
        assert len(oid) == 20
        raw = b"100644 0\0" + oid + b"100755 a\0" + OID
        assert find_in_tree(raw, "a") == TreeItem("a", 0o100755, OID)

    def test_a_mode_of_old_history_is_found(self) -> None:
        raw = b"100644 0\0" + OID + b"100640 a\0" + OTHER
        assert find_in_tree(raw, "a") == TreeItem("a", 0o100640, OTHER)

    def test_an_item_cut_short_is_corrupt(self) -> None:
        with pytest.raises(CorruptObject):
            find_in_tree(b"100644 a\0" + OID[:19], "a")


class TestCommits:
    """Values from text and back."""

    def test_what_was_built_is_parsed(self) -> None:
        late = Signature("Ü", "u@example.com", 1700000001, -90)
        info = parse_commit(build_commit(OID, [OTHER, OID], WHO, late, "first\n\nbody\n"))
        assert info == (OID, (OTHER, OID), WHO, late, "first\n\nbody\n")

    def test_an_encoding_is_honoured_and_an_unknown_one_ignored(self) -> None:
        lines = b"tree %s\nauthor \xe9 <e> 1 +0000\nencoding %%s\n\ncaf\xe9" % OID.hex().encode()
        assert parse_commit(lines % b"ISO-8859-1")[2:] == (Signature("é", "e", 1, 0), Signature("", "", 0, 0), "café")
        for unknown in (b"klingon", b"rot13", b"hex", b"\xff\0", b""):
            assert parse_commit(lines % unknown).message == "caf\ufffd"

    def test_headers_of_later_git_are_skipped(self) -> None:
        raw = build_commit(OID, [], WHO, WHO, "m")
        signed = raw.replace(b"\n\n", b"\ngpgsig -----BEGIN\n tree fake\n \n -----END\nmergetag object x\n\n", 1)
        assert parse_commit(signed) == parse_commit(raw)

    def test_a_commit_without_a_message_is_read(self) -> None:
        raw = b"tree %s\nauthor A <a@e> 1 +0000\ncommitter A <a@e> 1 +0000\n" % OID.hex().encode()
        assert parse_commit(raw).message == parse_commit(raw + b"\n").message == ""

    @pytest.mark.parametrize("raw", [b"", b"parent x", b"tree abc\n\nm", b"tree " + b"g" * 40, b"\n\ntree " + b"a" * 9])
    def test_a_commit_that_names_no_tree_is_corrupt(self, raw: bytes) -> None:
        with pytest.raises(CorruptObject):
            parse_commit(raw)

    @pytest.mark.parametrize(
        ("line", "who"),
        [
            (b"A <a@e> 12 +0130", Signature("A", "a@e", 12, 90)),
            (b"A <a@e> 12 -0130", Signature("A", "a@e", 12, -90)),
            (b"A <a@e> 12", Signature("A", "a@e", 12, 0)),
            (b"A <a@e>", Signature("A", "a@e", 0, 0)),
            (b" <a@e> 12 +0000", Signature("", "a@e", 12, 0)),
            (b"A <b> <a@e> 12 +0000", Signature("A", "b> <a@e", 12, 0)),
            (b"just a name", Signature("just a name", "", 0, 0)),
            (b"> A < 12 +0000", Signature("> A < 12 +0000", "", 0, 0)),
            (b"A <a@e> -12 +0000", Signature("A", "a@e", 0, 0)),
            (b"A <a@e> 18446744073709551615 +0000", Signature("A", "a@e", 0, 0)),
            (b"A <a@e> 1 +051800", Signature("A", "a@e", 1, 0)),
            (b"A <a@e> 1 +9999", Signature("A", "a@e", 1, 0)),
            (b"A <a@e> 1 UTC", Signature("A", "a@e", 1, 0)),
            (b"\xff <a@e> 1 +0000", Signature("\ufffd", "a@e", 1, 0)),
            (b"", Signature("", "", 0, 0)),
        ],
    )
    def test_odd_author_lines_are_read_as_far_as_they_go(self, line: bytes, who: Signature) -> None:
        assert parse_signature(line) == who

    def test_a_signature_is_written_as_git_does(self) -> None:
        assert format_signature(WHO) == b"A U Thor <author@example.com> 1700000000 +0530"
        assert format_signature(WHO._replace(offset=-1)) == b"A U Thor <author@example.com> 1700000000 -0001"

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "A\nB"}, {"name": "A <B"}, {"name": "A\0"}, {"name": "  "}, {"name": ""}, {"email": "a>b"},
            {"email": "a\nb"}, {"time": -1}, {"offset": 1440},
        ],
    )  # fmt: skip
    def test_what_a_commit_cannot_hold_is_refused(self, change: dict[str, object]) -> None:
        with pytest.raises(GitError):
            build_commit(OID, [], WHO._replace(**change), WHO, "m")  # type: ignore[arg-type]

    def test_a_nul_in_a_message_is_refused(self) -> None:
        with pytest.raises(GitError, match="NUL"):
            build_commit(OID, [], WHO, WHO, "a\0b")


def test_a_tag_says_what_it_points_at() -> None:
    raw = b"object %s\ntype commit\ntag v1\ntagger A <a@e> 1 +0000\n\nm" % OID.hex().encode()
    assert parse_tag(raw) == (OID, COMMIT)


@pytest.mark.parametrize("raw", [b"", b"object x\ntype commit\n", b"object " + b"a" * 40, b"object %b\ntype tre\n"])
def test_a_tag_that_names_nothing_is_corrupt(raw: bytes) -> None:
    with pytest.raises(CorruptObject):
        parse_tag(raw.replace(b"%b", b"a" * 40))
