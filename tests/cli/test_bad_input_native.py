"""Depths and collections of remotes: what is said, and bad input that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Said


@pytest.fixture
def shared(project: Path, assay: Callable[..., Said], tmp_path: Path) -> Path:
    """A project whose branch was pushed to a folder."""
    assay("remote", "add", "-d", "there", str(tmp_path / "remote"), cwd=project)
    assay("push", cwd=project)
    return project


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("push", "--depth", "0"), 254, "--depth takes a number from 1 upwards, not 0."),
        (("pull", "--depth", "-1"), 254, "--depth takes a number from 1 upwards, not -1."),
        (("clone", "nowhere", "--depth", "0"), 254, "--depth takes a number from 1 upwards, not 0."),
        (("gc", "--remote"), 255, "holds nothing that assay wrote"),
        (("gc", "--remote", "--grace", "1y"), 251, "--grace cannot be '1y'"),
    ],
)
def test_one_sentence_and_nothing_changed(
    shared: Path, assay: Callable[..., Said], tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "remote").rename(tmp_path / "gone")
    before = everything(tmp_path / "gone")
    said = assay(*words, cwd=shared, code=code)
    assert says in said.err
    assert said.err.count("\n") <= 2
    assert everything(tmp_path / "gone") == before
    assert not (shared / "nowhere").exists()


def test_a_collection_tells_bytes_and_asks_first(shared: Path, assay: Callable[..., Said], tmp_path: Path) -> None:
    garbage = tmp_path / "remote/objects/xxh128/aa" / ("0" * 30)
    garbage.parent.mkdir(parents=True)
    garbage.write_bytes(b"x" * 2000)
    assert "2.0 kB that nothing needs, would be named" in assay("gc", "--remote", "--dry", cwd=shared).out
    assert "Nobody can be asked here" in assay("gc", "--remote", cwd=shared, code=1).err
    assay("gc", "--remote", "-f", "--grace", "0d", cwd=shared)
    assert not garbage.exists()
    assert "Nothing to collect" in assay("gc", "--remote", "-f", cwd=shared).out
    assay("clone", str(tmp_path / "remote"), "copy", "--depth", "1", cwd=tmp_path)
