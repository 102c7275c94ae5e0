"""By what a key is named."""

from __future__ import annotations

from hashlib import md5, sha1, sha256

import pytest

from assay.remotes.named import named_by

ID = sha256(b"value").hexdigest()
SUM = md5(b"value", usedforsecurity=False).hexdigest()
SHA = sha1(b"value").hexdigest()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (f"objects/sha256/{ID[:2]}/{ID[2:]}", ID),
        (f"packs/{ID}.pack", ID),
        (f"index/{ID}", ID),
        (f"git/refs/{SHA}.d/{ID}", ID),
        (f"git/refs/heads.d/{ID}", ID),
        (f"git/notes/{ID}", ID),
        (f"git/shallow/{ID}", ID),
        (f"git/packs/over-{SHA}", SHA),
        (f"files/md5/{SUM[:2]}/{SUM[2:]}", SUM),
        (f"files/md5/{SUM[:2]}/{SUM[2:]}.dir", SUM),
        (f"{SUM[:2]}/{SUM[2:]}", SUM),
    ],
)
def test_a_lasting_key_is_named_by_a_hash_of_what_it_holds(key: str, expected: str) -> None:
    name = named_by(key, "sha256")
    assert name is not None
    assert name.expected == expected
    state = name.new_hash()
    state.update(b"va")
    state.update(b"lue")
    assert state.digest().hex() == expected


@pytest.mark.parametrize("kind", ["pack", "idx"])
def test_a_git_pack_and_its_index_are_named_by_the_pack(kind: str) -> None:
    name = named_by(f"git/packs/pack-{SHA}.{kind}", "sha256")
    assert name is not None
    body = b"PACK" + bytes(range(200)) if kind == "pack" else b"index" + bytes(300) + bytes.fromhex(SHA)
    for data, value in ((body, sha1(body).hexdigest() if kind == "pack" else SHA), (body[::-1], None)):
        state = name.new_hash()
        whole = data + sha1(body).digest()
        for start in range(0, len(whole), 7):
            state.update(whole[start : start + 7])
        assert state.digest().hex() == (value or "")


@pytest.mark.parametrize(
    "key",
    ["format", "lock", "git/HEAD", "git/heads/main", f"git/heads/{SHA}", f"git/tags/x.d/{ID}", f"gc/{ID}", f"gc/{SUM}",
     "packs/ab.pack", f"runs/{ID[:2]}/{ID}/{ID}", "git/packs/pack-1.pack", f"quarantine/packs/{ID}.pack"],
)  # fmt: skip
def test_what_may_change_is_named_by_nothing(key: str) -> None:
    assert named_by(key, "sha256") is None
