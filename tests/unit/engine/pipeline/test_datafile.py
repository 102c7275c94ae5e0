"""``.dvc`` files: which artifacts they track."""

from __future__ import annotations

import hashlib

import pytest
import yaml

from assay.engine.errors import BadInput
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline.datafile import DataOut, moved, new_text, parse, parse_file, updated
from assay.engine.pipeline.importsum import stage_md5
from assay.engine.store.cache import Cache

HEX = "44361af28ac257dbbb6c3eef54dd48a2"


def test_a_folder_and_a_file() -> None:
    folder = f"- md5: {HEX}.dir\n  size: 4\n  nfiles: 2\n  hash: md5\n  path: data\n"
    text = f"outs:\n{folder}- md5: {HEX}\n  isexec: true\n  path: x\n"
    assert parse_file(text.encode(), "sub/data.dvc").cached == {
        "sub/data": Artifact(Digest("md5", HEX, is_dir=True), 4, 2),
        "sub/x": Artifact(Digest("md5-dos2unix", HEX), None, None, is_exec=True),
    }


def test_native_digests_and_a_working_folder() -> None:
    text = f"wdir: ..\nouts:\n- hash: xxh128\n  digest: {HEX}\n  size: 1\n  path: a\n"
    assert parse_file(text.encode(), "sub/a.dvc").cached == {"a": Artifact(Digest("xxh128", HEX), 1)}


def test_data_that_is_not_cached_or_has_no_digest_is_left_out() -> None:
    text = f"frozen: true\nouts:\n- md5: {HEX}\n  cache: false\n  path: a\n- path: b\n"
    assert parse_file(text.encode(), "a.dvc").cached == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n", "a.dvc: should be a map"),
        ("cmd: x\n", "a.dvc, line 1, cmd: a .dvc file has no such key"),
        ("outs: a\n", "a.dvc, line 1, outs: should be a list"),
        ("outs:\n- a\n", r"a.dvc, line 2, outs\[0\]: should be a map with path"),
        ("outs:\n- md5: zzz\n  path: a\n", r"a.dvc, line 2, outs\[0\].md5: 'zzz' is not a digest"),
        (f"outs:\n- md5: {HEX}\n  path: .git/hooks/post-checkout\n", "is not a path inside the project"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_file(text.encode(), "a.dvc")


def test_what_stands_beside_an_artifact_is_read() -> None:
    text = (
        f"outs:\n- md5: {HEX}\n  path: a\n  push: false\n  remote: r\n  desc: d\n  type: t\n  labels: [x]\n  meta: 1\n"
    )
    (out,) = parse_file(text.encode(), "sub/a.dvc").outs
    assert (out.path, out.spelled, out.cache, out.push, out.remote) == ("sub/a", "a", True, False, "r")
    assert (out.desc, out.type, out.labels, out.meta, out.keys) == ("d", "t", ("x",), 1, ("outs", 0))


IMPORT = """\
md5: d693e7a8d2ae8b80f4454d35f9dda3ea
frozen: true
deps:
- path: gitfile.txt
  repo:
    url: ../src4git
    rev: HEAD
    rev_lock: be83202d43e75fb5a3514dc2b4b6a3305a77ac44
outs:
- md5: f5302386464f953ed581edac03556e55
  size: 2
  hash: md5
  path: gitfile.txt
"""


def test_an_import_is_known_by_its_deps() -> None:
    file = parse_file(IMPORT.encode(), "gitfile.txt.dvc")
    assert file.is_import
    assert file.frozen
    assert file.deps[0]["repo"]["rev"] == "HEAD"
    assert list(file.cached) == ["gitfile.txt"]


def test_the_digest_of_an_import_is_the_one_that_dvc_wrote() -> None:
    data = {
        "md5": "x",
        "frozen": True,
        "deps": [{"md5": "aab7", "size": 3, "hash": "md5", "path": "/x/extfile.txt"}],
        "outs": [{"md5": "aab7", "hash": "md5", "path": "extfile.txt", "desc": "d"}],
        "wdir": ".",
    }
    text = '{"deps": [{"hash": "md5", "md5": "aab7", "path": "/x/extfile.txt"}], '
    text += '"outs": [{"hash": "md5", "md5": "aab7", "path": "extfile.txt"}]}'
    assert stage_md5(data) == hashlib.md5(text.encode()).hexdigest()
    assert stage_md5(yaml.safe_load(IMPORT)) == "d693e7a8d2ae8b80f4454d35f9dda3ea"


CACHE = Cache("/nowhere", "md5")


def no_one(_: str) -> bool:
    """Nothing is executable."""
    return False


FILE = Artifact(Digest("xxh128", HEX), 5)
FOLDER = Artifact(Digest("xxh128", HEX, is_dir=True), 7, 2)


@pytest.mark.parametrize(
    ("artifact", "lines"),
    [
        (FILE, f"- digest: {HEX}\n  size: 5\n  hash: xxh128\n  path: a b\n"),
        (FOLDER, f"- digest: {HEX}.dir\n  size: 7\n  nfiles: 2\n  hash: xxh128\n  path: a b\n"),
        (
            Artifact(Digest("md5", HEX), 5, None, is_exec=True),
            f"- md5: {HEX}\n  size: 5\n  isexec: true\n  hash: md5\n  path: a b\n",
        ),
        (Artifact(Digest("md5", HEX), None), f"- md5: {HEX}\n  hash: md5\n  path: a b\n"),
        (Artifact(Digest("xxh128", "1" * 32), 5), f"- digest: '{'1' * 32}'\n  size: 5\n  hash: xxh128\n  path: a b\n"),
    ],
)
def test_a_new_file_has_the_order_of_dvc(artifact: Artifact, lines: str) -> None:
    assert new_text([DataOut("sub/a b", "a b", artifact)]) == "outs:\n" + lines


COMMENTED = f"""\
# what it is
desc: top   # why
outs:
    -   digest: {HEX}   # here
        desc: hello
        hash: xxh128
        path: a
        size: 1
    - {{digest: {HEX}, hash: xxh128, size: 1, path: b}}
meta: {{x: [1, 2]}}
"""


def test_an_update_keeps_every_other_byte() -> None:
    file = parse_file(COMMENTED.encode(), "a.dvc")
    other = "0f" * 16
    text = updated(file, {"a": Artifact(Digest("xxh128", other), 9), "c": FILE}, CACHE, no_one)
    assert text == COMMENTED.replace(f"{HEX}   # here", f"{other}   # here").replace("size: 1\n", "size: 9\n")
    assert updated(file, dict(file.cached), CACHE, no_one) == COMMENTED


def test_a_file_that_became_a_folder_and_back() -> None:
    file = parse_file(COMMENTED.encode(), "a.dvc")
    folder = parse(updated(file, {"a": FOLDER, "b": FOLDER}, CACHE, no_one), "a.dvc")
    assert folder.cached == {"a": FOLDER, "b": FOLDER}
    assert "# here" in folder.source.text
    assert parse(updated(folder, {"a": FILE, "b": FILE}, CACHE, no_one), "a.dvc").cached == {"a": FILE, "b": FILE}


def test_an_old_digest_gives_way_to_one_of_another_hash() -> None:
    file = parse_file(f"outs:\n- md5: {HEX}\n  size: 1\n  desc: kept\n  path: a\n".encode(), "a.dvc")
    text = updated(file, {"a": FILE}, CACHE, no_one)
    assert "md5" not in text
    assert "desc: kept" in text
    assert parse(text, "a.dvc").cached == {"a": FILE}


def test_an_import_gets_its_own_digest_anew() -> None:
    file = parse_file(IMPORT.encode(), "gitfile.txt.dvc")
    text = updated(file, {"gitfile.txt": Artifact(Digest("md5", HEX), 3)}, CACHE, no_one)
    data = yaml.safe_load(text)
    assert data["md5"] == stage_md5(data) != "d693e7a8d2ae8b80f4454d35f9dda3ea"


def test_a_moved_file_names_its_new_place() -> None:
    file = parse_file(f"# c\nwdir: ..\nouts:\n- md5: {HEX}\n  path: a\n".encode(), "sub/a.dvc")
    assert moved(file, "b.dvc", "b") == f"# c\nouts:\n- md5: {HEX}\n  path: b\n"
