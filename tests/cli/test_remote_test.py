"""`assay remote test`: what it says of a place, and that it leaves nothing there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import Said


def test_a_folder_is_tried_by_its_path(assay: Callable[..., Said], project: Path, tmp_path: Path) -> None:
    said = assay("remote", "test", str(tmp_path / "share"), cwd=project)
    lines = said.out.splitlines()
    assert lines[0] == str(tmp_path / "share")
    assert [line.split()[:2] for line in lines[1:7]] == [
        [what, "yes"] for what in ("read", "write", "list", "parts", "exclusive", "remove")
    ]
    assert lines[-1] == "This remote can be pushed to and pulled from."
    assert not [path for path in (tmp_path / "share").rglob("*") if path.is_file()]


def test_a_remote_is_tried_by_its_name_or_as_the_default(assay: Callable[..., Said], project: Path) -> None:
    assay("remote", "add", "-d", "team", "../share", cwd=project)
    for words in ([], ["team"]):
        assert "pushed to" in assay("remote", "test", *words, cwd=project).out


def test_a_place_can_be_tried_outside_a_project(assay: Callable[..., Said], tmp_path: Path) -> None:
    assert "pushed to" in assay("remote", "test", "./share", cwd=tmp_path).out
    assert "no remote" not in assay("remote", "test", "team", cwd=tmp_path, code=253).err


def test_a_weak_server_is_told_with_what_assay_does_instead(
    assay: Callable[..., Said], project: Path, rclone_s3: tuple[str, dict[str, str]]
) -> None:
    url, settings = rclone_s3
    assay("remote", "add", "weak", url, cwd=project)
    for key, value in settings.items():
        assay("config", "--local", f"remote.weak.{key}", value, cwd=project)
    said = assay("remote", "test", "weak", cwd=project)
    assert "exclusive no" in " ".join(said.out.split())
    assert "kept as statements" in said.out
    assert "can be pushed to and pulled from" in said.out


def test_a_place_that_cannot_be_used_is_a_failure(assay: Callable[..., Said], project: Path) -> None:
    said = assay("remote", "test", "ssh://127.0.0.1:9/x", cwd=project, code=1)
    assert said.out.splitlines()[-1] == "This remote cannot be used."
    assert "read      no" in said.out


def test_words_that_are_no_remote_are_refused(assay: Callable[..., Said], project: Path) -> None:
    assert "no remote 'nobody'" in assay("remote", "test", "nobody", cwd=project, code=251).err
    assert "hdfs://" in assay("remote", "test", "hdfs://x/y", cwd=project, code=254).err
    assert "pa55word" not in assay("remote", "test", "s3://a:pa55word@b/y", cwd=project, code=254).err
