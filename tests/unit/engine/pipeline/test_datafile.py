"""``.dvc`` files: which artifacts they track."""

from __future__ import annotations

import pytest

from assay.engine.errors import BadInput
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline.datafile import parse_bytes

HEX = "44361af28ac257dbbb6c3eef54dd48a2"


def test_a_folder_and_a_file() -> None:
    folder = f"- md5: {HEX}.dir\n  size: 4\n  nfiles: 2\n  hash: md5\n  path: data\n"
    text = f"outs:\n{folder}- md5: {HEX}\n  isexec: true\n  path: x\n"
    assert parse_bytes(text.encode(), "sub/data.dvc") == {
        "sub/data": Artifact(Digest("md5", HEX, is_dir=True), 4, 2),
        "sub/x": Artifact(Digest("md5-dos2unix", HEX), 0, None, is_exec=True),
    }


def test_native_digests_and_a_working_folder() -> None:
    text = f"wdir: ..\nouts:\n- hash: xxh128\n  digest: {HEX}\n  size: 1\n  path: a\n"
    assert parse_bytes(text.encode(), "sub/a.dvc") == {"a": Artifact(Digest("xxh128", HEX), 1)}


def test_data_that_is_not_cached_or_has_no_digest_is_left_out() -> None:
    text = f"frozen: true\nouts:\n- md5: {HEX}\n  cache: false\n  path: a\n- path: b\n"
    assert parse_bytes(text.encode(), "a.dvc") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n", "a.dvc: should be a map with outs"),
        ("cmd: x\n", "a.dvc, line 1, cmd: a .dvc file has no such key"),
        ("outs: a\n", "a.dvc, line 1, outs: should be a list"),
        ("outs:\n- a\n", r"a.dvc, line 2, outs\[0\]: should be a map with a path"),
        ("outs:\n- md5: zz\n  path: a\n", r"a.dvc, line 2, outs\[0\].md5: 'zz' is not a digest"),
        (f"outs:\n- md5: {HEX}\n  path: ../../etc\n", r"outs\[0\]: '../../etc' is outside the project"),
        (f"outs:\n- md5: {HEX}\n  path: .git/hooks/post-checkout\n", "is not a path inside the project"),
    ],
)
def test_a_mistake_is_named(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_bytes(text.encode(), "a.dvc")
