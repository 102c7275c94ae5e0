"""``remote add|list|modify|default|rename|remove`` beside real DVC: the same files, words and exit codes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dvcprocess import DvcProcess

STEPS: list[tuple[str, ...]] = [
    ("add", "-d", "Store", "../x"),
    ("add", "cloud", "s3://bucket/prefix"),
    ("list",),
    ("add", "store", "y"),
    ("add", "-f", "store", "y"),
    ("modify", "cloud", "endpointurl", "http://localhost:1"),
    ("modify", "cloud", "jobs", "3"),
    ("modify", "cloud", "nonsense", "1"),
    ("modify", "cloud", "-u", "jobs"),
    ("modify", "cloud", "-u", "nonsense"),
    ("modify", "nope", "url", "x"),
    ("default",),
    ("default", "cloud"),
    ("default", "nope"),
    ("rename", "cloud", "sky"),
    ("list",),
    ("rename", "nope", "x"),
    ("rename", "store", "sky"),
    ("add", "--local", "mine", "/somewhere"),
    ("list", "--local"),
    ("remove", "sky"),
    ("default",),
    ("remove", "sky"),
    ("remove", "--local", "mine"),
    ("default", "-u"),
    ("add", "bad", "gopher://x"),
    ("list",),
]


@pytest.fixture
def pair(dvc_process: DvcProcess) -> tuple[Path, Path]:
    theirs = dvc_process.new()
    ours = theirs.parent / "o" / theirs.name  # relative paths look the same from both
    shutil.copytree(theirs, ours)
    return theirs, ours


def test_every_step_leaves_the_same_files_and_says_the_same(
    pair: tuple[Path, Path], dvc_process: DvcProcess, assay_dvc: Callable[..., Any]
) -> None:
    theirs, ours = pair
    for words in STEPS:
        want = dvc_process.run(theirs, "remote", *words)
        got = assay_dvc("remote", *words, cwd=ours, code=None)
        assert got.code == want.code, (words, want.err, got.err)
        assert got.out.replace(str(ours.parent), "").split() == want.out.replace(str(theirs.parent), "").split(), words
        if want.code == 0:
            for name in (".dvc/config", ".dvc/config.local"):
                text = [(side / name).read_text().strip() if (side / name).exists() else "" for side in (theirs, ours)]
                assert text[0] == text[1], words
        shutil.copytree(theirs / ".dvc", ours / ".dvc", dirs_exist_ok=True)


def test_what_a_remote_keeps_in_the_local_file_goes_with_it(
    pair: tuple[Path, Path], dvc_process: DvcProcess, assay_dvc: Callable[..., Any]
) -> None:
    """DVC leaves the secret behind without a URL, and then refuses every command."""
    theirs, ours = pair
    for words in (("add", "cloud", "s3://b"), ("modify", "--local", "cloud", "secret_access_key", "12")):
        assay_dvc("remote", *words, cwd=ours)
        dvc_process.run(theirs, "remote", *words)
    assert dvc_process.run(theirs, "remote", "rename", "cloud", "sky").code == 251
    assert "without a url" in assay_dvc("remote", "remove", "--project", "cloud", cwd=ours, code=251).err
    assay_dvc("remote", "rename", "cloud", "sky", cwd=ours)
    assert (ours / ".dvc/config.local").read_text() == "['remote \"sky\"']\n    secret_access_key = 12\n"
    assert dvc_process.run(ours, "remote", "list").out.split() == ["sky", "s3://b"]
    assay_dvc("remote", "remove", "sky", cwd=ours)
    assert "12" not in (ours / ".dvc/config.local").read_text()
    assert dvc_process.run(ours, "remote", "list").code == 0
