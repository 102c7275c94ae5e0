"""Files as bytes, whichever way they are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.engine.git.filebytes import PagedFile, open_bytes


def test_a_paged_file_is_as_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 100
    (tmp_path / "file").write_bytes(content)
    with (tmp_path / "file").open("rb") as reader:
        paged = PagedFile(os.dup(reader.fileno()), len(content))
    assert [paged[at] for at in (0, 5000, 4999, 25599)] == [content[at] for at in (0, 5000, 4999, 25599)]
    assert paged[100:10_000] == content[100:10_000]
    assert paged[25_590:99_999] == content[25_590:]
    with pytest.raises(IndexError):
        paged[25_600]


def test_a_file_that_cannot_be_mapped_is_paged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    (tmp_path / "file").write_bytes(bytes(100_000))
    monkeypatch.setattr("mmap.mmap", refuse)
    assert isinstance(open_bytes(str(tmp_path / "file"), lambda _: True), PagedFile)


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 200_000])
def test_a_file_of_any_size_is_the_same_each_way(tmp_path: Path, size: int, mapped: bool) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    view = open_bytes(str(tmp_path / "file"), lambda _: mapped)
    assert len(view) == size
    assert view[:] == content
    assert view[size // 2 : size] == content[size // 2 :]
    with pytest.raises(IndexError):
        view[size]
