"""engine/store/digest.py: the names of content."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys

import pytest

from assay.engine.errors import StoreError
from assay.engine.model import HASH_NAMES, HEX_LENGTH, Digest
from assay.engine.store import digest

MIB = 1 << 20


@pytest.mark.parametrize(
    ("algo", "empty", "abc"),
    [
        ("xxh128", "99aa06d3014798d86001c324468d497f", "06b05ab6733a618578af5f94892f3950"),
        ("sha256", hashlib.sha256().hexdigest(), hashlib.sha256(b"abc").hexdigest()),
        ("md5", "d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"),
        ("md5-dos2unix", "d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"),
    ],
)
def test_each_hash_has_its_published_values(algo, empty, abc):
    assert digest.digest_bytes(algo, b"").hex == empty
    assert digest.digest_bytes(algo, b"abc").hex == abc


@pytest.mark.parametrize("algo", HASH_NAMES)
def test_a_stream_has_the_digest_of_its_bytes(algo):
    data = b"line\r\n" * 400_000
    assert digest.digest_stream(algo, io.BytesIO(data)) == digest.digest_bytes(algo, data)


@pytest.mark.parametrize("algo", HASH_NAMES)
def test_values_are_as_long_as_the_model_says(algo):
    assert len(digest.digest_bytes(algo, b"x").hex) == HEX_LENGTH[algo]


def test_dos2unix_hashes_text_as_if_its_line_ends_were_unix():
    assert digest.digest_bytes("md5-dos2unix", b"a\r\nb\r\n").hex == hashlib.md5(b"a\nb\n").hexdigest()


def test_dos2unix_leaves_a_lone_carriage_return():
    assert digest.digest_bytes("md5-dos2unix", b"a\rb").hex == hashlib.md5(b"a\rb").hexdigest()


def test_dos2unix_leaves_what_holds_a_nul():
    data = b"a\r\n\0"
    assert digest.digest_bytes("md5-dos2unix", data).hex == hashlib.md5(data).hexdigest()


@pytest.mark.parametrize(("odd", "is_text"), [(3, True), (4, False)])
def test_dos2unix_takes_up_to_30_percent_of_odd_bytes_for_text(odd, is_text):
    data = (b"\x80" * odd + b"\r\n").ljust(10, b"x")
    wanted = data.replace(b"\r\n", b"\n") if is_text else data
    assert digest.digest_bytes("md5-dos2unix", data).hex == hashlib.md5(wanted).hexdigest()


def test_dos2unix_decides_for_each_block_of_a_mebibyte():
    text, binary = b"a\r\n".ljust(MIB, b"x"), b"\0\r\n".ljust(MIB, b"x")
    wanted = hashlib.md5(text.replace(b"\r\n", b"\n") + binary).hexdigest()
    assert digest.digest_bytes("md5-dos2unix", text + binary).hex == wanted


def test_dos2unix_keeps_a_line_end_that_lies_across_two_blocks():
    data = b"x" * (MIB - 1) + b"\r\n"
    assert digest.digest_bytes("md5-dos2unix", data).hex == hashlib.md5(data).hexdigest()


def test_dos2unix_does_not_depend_on_how_the_bytes_arrive():
    data = b"a\r\nb" * 300_000
    state = digest.hasher("md5-dos2unix")
    for start in range(0, len(data), 70_001):
        state.update(data[start : start + 70_001])
    assert state.digest().hex() == digest.digest_bytes("md5-dos2unix", data).hex


def test_the_key_of_an_object_says_where_it_lies():
    assert digest.object_key(Digest("md5", "ab" * 16)) == "files/md5/ab/" + "ab" * 15
    assert digest.object_key(Digest("md5", "ab" * 16, True)) == "files/md5/ab/" + "ab" * 15 + ".dir"


def test_an_object_of_dvc_2_lies_at_the_root():
    assert digest.object_key(Digest("md5-dos2unix", "ab" * 16)) == "ab/" + "ab" * 15


@pytest.mark.parametrize("is_dir", [False, True])
@pytest.mark.parametrize("algo", HASH_NAMES)
def test_a_key_gives_its_digest_back(algo, is_dir):
    value = Digest(algo, ("0123456789abcdef" * 4)[: HEX_LENGTH[algo]], is_dir)
    assert digest.parse_key(digest.object_key(value)) == value


@pytest.mark.parametrize(
    "key",
    [
        "",
        "xxh128",
        "xxh128/ab",
        "xxh128/a/" + "b" * 31,
        "xxh128/ab/" + "b" * 29,
        "xxh128/AB/" + "b" * 30,
        "xxh128/ab/" + "b" * 29 + "\n",
        "xxh128/ab/../" + "b" * 27,
        "sha1/ab/" + "b" * 38,
    ],
)
def test_what_is_no_key_has_no_digest(key):
    assert digest.parse_key(key) is None


def test_sha256_works_where_xxhash_is_not_installed():
    code = (
        "import sys; sys.modules['xxhash'] = None\n"
        "from assay.engine.store import cache, digest, snapshot, checkout\n"
        "print(digest.digest_bytes('sha256', b'').hex)\n"
        "try: digest.digest_bytes('xxh128', b'')\n"
        "except digest.StoreError as error: print(error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == [hashlib.sha256().hexdigest(), "Run `pip install xxhash`."]


def test_asking_for_an_absent_xxhash_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "xxhash", None)
    with pytest.raises(StoreError, match="needs the Python package xxhash"):
        digest.hasher("xxh128")
